"""Experiments by command, API and page: read from a file or a campaign, kept, shown."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from features.errors import ConfigError
from serving.campaigns.measuring import measure_campaigns
from serving.commands.main import main
from serving.errors import UnknownExperiment
from serving.experiments import schemas as models
from serving.experiments.campaign_table import campaign_table
from serving.experiments.table_file import read_table_file
from tests.serving.campaigns.test_measuring import (
    LATE,
    START,
    bought,
    campaign,
    members,
    shop,
)
from tests.serving.conftest import client_of
from tests.support.stores import fresh_stores
from training.experiments.read_table import read_experiment


@pytest.fixture(scope="module")
def reading(tmp_path_factory):
    """What the command reads from a file, with neither settings nor orders."""
    folder = tmp_path_factory.mktemp("experiment")
    rng = np.random.default_rng(3)
    arm = np.array(["None", "mail"])[np.arange(2_400) % 2]
    is_new = rng.random(2_400) < 0.5
    spend = 1 + 1.0 * is_new * (arm == "mail") + rng.normal(0, 0.5, 2_400)
    table = pd.DataFrame(
        {
            "id": [f"c{number}" for number in range(2_400)],
            "group": arm,
            "is_new": is_new.astype(int),
            "spend": spend,
        }
    )
    table.to_csv(folder / "test.csv", index=False)
    options = [
        "--arm",
        "group",
        "--control",
        "None",
        "--outcome",
        "spend",
        "--ignore",
        "id",
        "--json",
    ]
    answer = CliRunner().invoke(
        main,
        ["experiment", str(folder / "test.csv"), *options, "--effects", str(folder / "out.csv")],
    )
    assert answer.exit_code == 0, answer.output
    effects = pd.read_csv(folder / "out.csv", keep_default_na=False)
    return json.loads(answer.stdout), effects, is_new


def test_a_file_is_read_without_orders_and_each_member_gets_an_effect(reading):
    result, effects, is_new = reading
    (effect,) = result["effects"]
    assert effect["adjusted"]["value"] == pytest.approx(0.5, abs=0.05)
    assert result["uplift"][0]["beats_random"]
    by_member = effects["effect mail: spend"]
    assert by_member[is_new].mean() == pytest.approx(1.0, abs=0.2)
    assert by_member[~is_new].mean() == pytest.approx(0.0, abs=0.2)
    assert next(iter(effects)) == "id"


def kept(reading):
    result = dict(reading[0])
    origin = {name: result.pop(name) for name in ("source", "arm", "control")}
    return {
        "name": "A/B in spring",
        "read_at": "2026-03-04T10:00:00Z",
        **origin,
        "reading": result,
    }


def test_a_kept_reading_is_shown_by_api_and_page_before_anything_was_scored(reading):
    stores = fresh_stores()
    client = client_of(stores)
    assert "No experiment has been read yet" in client.get("/experiments").text
    experiment = kept(reading)
    stores.experiments.keep({**experiment, "read_at": "2026-03-03T10:00:00Z"})
    stores.experiments.keep(experiment)
    (shown,) = models.ExperimentList.model_validate_json(
        client.get("/v1/experiments").content
    ).experiments
    address = "A%2FB%20in%20spring"
    assert client.get(f"/v1/experiments/{address}").json() == experiment
    assert shown.name == "A/B in spring"
    assert client.get("/v1/experiments/none").status_code == 404
    page = client.get(f"/experiments/{address}").text
    # arms, then the effect, then for whom
    places = [page.index(text) for text in ("What each arm did", "Adjusted", "is_new: 1", "Qini")]
    assert places == sorted(places)
    assert "你" not in page
    assert "谁可以被打动" in client.get(f"/experiments/{address}?lang=zh").text
    assert client.get("/experiments/none").status_code == 404
    stores.experiments.forget("A/B in spring")
    with pytest.raises(UnknownExperiment):
        stores.experiments.experiment("A/B in spring")


def test_a_doubtful_column_is_shown_and_a_reading_from_before_doubts_too(reading):
    stores = fresh_stores()
    client = client_of(stores)
    experiment = kept(reading)
    (effect,) = experiment["reading"]["effects"]
    without = {name: value for name, value in effect.items() if name != "doubt"}
    doubt = {"column": "margin", "why": "explains_nearly_all"}
    for name, shown in {"before": without, "since": {**without, "doubt": doubt}}.items():
        one_effect = {**experiment["reading"], "effects": [shown]}
        stores.experiments.keep({**experiment, "name": name, "reading": one_effect})
        assert client.get(f"/v1/experiments/{name}").status_code == 200
    warning = "margin was probably measured after the start"
    assert warning in client.get("/experiments/since").text
    assert "What each arm did" in client.get("/experiments/before").text
    assert warning not in client.get("/experiments/before").text


def test_a_file_that_is_none_and_a_control_arm_that_nobody_names_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_table_file(tmp_path / "none.csv")
    file = tmp_path / "arms.csv"
    file.write_text("arm,spend\nNone,1\nmail,2\n")
    assert read_table_file(file)["arm"].tolist() == ["None", "mail"]
    answer = CliRunner().invoke(main, ["experiment", str(file), "--outcome", "spend"])
    assert answer.exit_code == 2
    assert "None, mail" in answer.output


def test_a_campaign_that_is_read_as_an_experiment_says_what_its_results_say(tmp_path):
    store = fresh_stores().campaigns
    store.add(campaign(), members())
    with shop(tmp_path, bought(treated=30.0, held_out=20.0)) as log:
        measure_campaigns(store, log, LATE)
        kept_campaign = store.campaign("c-1")
        table, columns = campaign_table(store, log, kept_campaign, LATE)
        with pytest.raises(ConfigError, match="has not begun"):
            campaign_table(store, log, kept_campaign, START)
    results = {effect["measure"]: effect for effect in kept_campaign.results["effects"]}
    read = read_experiment(table, columns, seed=1).reading
    effects = {effect["outcome"]: effect for effect in read["effects"]}
    for measure in ("revenue", "orders", "ordered"):
        adjusted = effects[f"outcome {measure}"]["adjusted"]
        assert adjusted["value"] == pytest.approx(results[measure]["per_contact"]["value"])
    assert [arm["arm"] for arm in read["arms"]] == ["hold_out", "treated"]
