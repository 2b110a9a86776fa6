"""`regulars decide`: from equal shares to those that follow what works, on tables alone."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from serving.commands.main import main

PLAN = ["--treatment", "mail=0.5", "--treatment", "letter=2", "--rounds", "3", "--members", "600"]


def run(*arguments):
    answer = CliRunner().invoke(main, ["decide", *map(str, arguments), *PLAN, "--json"])
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


@pytest.fixture
def customers(tmp_path):
    table = pd.DataFrame({"customer_id": [f"c{number}" for number in range(600)]})
    table["risk"] = np.where(np.arange(600) % 2, "high", "low")
    table.to_csv(tmp_path / "customers.csv", index=False)
    return tmp_path / "customers.csv"


def held(folder, drawn_file):
    """The round that was drawn, with what the customers brought: the letter most, but dear."""
    rows = pd.read_csv(drawn_file)
    brought = rows["arm"].map({"nothing": 0.0, "mail": 2.0, "letter": 2.5})
    rng = np.random.default_rng(1)
    rows = rows.assign(round=1, margin=brought + rng.normal(0, 0.2, len(rows)))
    rows.to_csv(folder / "rounds.csv", index=False)
    return folder / "rounds.csv"


def test_rounds_go_from_equal_shares_to_the_treatment_that_earns_most(tmp_path, customers):
    first = run("--draw", customers, "--output", tmp_path / "first.csv")
    assert first["drawn"] == {"nothing": 200, "mail": 200, "letter": 200}
    rounds = held(tmp_path, tmp_path / "first.csv")
    second = run(rounds, "--draw", customers, "--output", tmp_path / "second.csv")
    assert [entry["verdict"] for entry in second["reading"]["effects"]] == ["positive"] * 2
    assert second["reading"]["best"] == "mail"
    assert second["drawn"]["mail"] > 500
    drawn = pd.read_csv(tmp_path / "second.csv")
    shares = second["next"][0]["shares"]
    assert drawn["probability"].tolist() == pytest.approx([shares[arm] for arm in drawn["arm"]])


def test_budget_and_contact_limit_hold(tmp_path, customers):
    run("--draw", customers, "--output", tmp_path / "first.csv")
    rounds = held(tmp_path, tmp_path / "first.csv")
    options = ("--draw", customers, "--output", tmp_path / "second.csv")
    run(rounds, *options, "--most-contacts", 1)
    again = pd.read_csv(tmp_path / "second.csv")
    first = pd.read_csv(tmp_path / "first.csv").set_index("customer_id")["arm"]
    assert set(first[again["customer_id"]]) == {"nothing"}
    limited = run(rounds, *options, "--budget", 50)
    cost = 0.5 * limited["drawn"].get("mail", 0) + 2 * limited["drawn"].get("letter", 0)
    # the shares' mean cost: off by less than the cost of a contact per arm
    assert 40 < cost <= 50 + 2.5


def test_groups_have_shares_of_their_own(tmp_path, customers):
    run("--draw", customers, "--output", tmp_path / "first.csv")
    rounds = pd.read_csv(held(tmp_path, tmp_path / "first.csv")).drop(columns="group")
    known = pd.read_csv(customers)
    rounds = rounds.merge(known, on="customer_id")
    mail_to_high = (rounds["arm"] == "mail") & (rounds["risk"] == "high")
    rounds.loc[mail_to_high, "margin"] -= 5.0
    rounds.to_csv(tmp_path / "rounds.csv", index=False)
    options = ("--group", "risk", "--draw", customers, "--output", tmp_path / "second.csv")
    answer = run(tmp_path / "rounds.csv", *options)
    best = {entry["group"]: max(entry["best"], key=entry["best"].get) for entry in answer["next"]}
    assert best == {"high": "letter", "low": "mail"}


def test_people_are_told_what_exploring_costs_and_what_is_wrong(tmp_path):
    told = CliRunner().invoke(main, ["decide", *PLAN])
    assert "400 of the first round's members" in told.output
    assert "33.3%" in told.output
    file = tmp_path / "rounds.csv"
    file.write_text("round,arm,margin\n2,mail,1\n2,post,1\n")
    wrong = CliRunner().invoke(main, ["decide", str(file), *PLAN])
    assert wrong.exit_code == 2
    assert "no such treatment: post" in wrong.output
    assert "without a gap" in wrong.output
    assert CliRunner().invoke(main, ["decide", *PLAN, "--treatment", "x"]).exit_code == 2
