"""Experiments read from a table: effects, groups that differ, columns that cannot be used."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from features.errors import ConfigError
from training.experiments.covariates import covariates_of, groups_of
from training.experiments.group_differences import (
    ArmContrast,
    compared_groups,
    differing_groups,
    holm,
)
from training.experiments.read_table import ExperimentColumns, read_experiment, strongest

MEMBERS = 1_200


@pytest.fixture(scope="module")
def table():
    """An e-mail moves new members alone, by 1.0; the letter moves nobody."""
    rng = np.random.default_rng(7)
    arm = np.array(["none", "mail", "letter"])[np.arange(MEMBERS) % 3]
    is_new = rng.random(MEMBERS) < 0.5
    history = rng.gamma(2, 1, MEMBERS)
    spend = history + 1.0 * is_new * (arm == "mail") + rng.normal(0, 0.3, MEMBERS)
    return pd.DataFrame(
        {
            "arm": arm,
            "is_new": is_new,
            "history": history,
            "city": rng.choice(["Bern", "Rome"], MEMBERS),
            "spend": spend,
            "bought": (spend > 2).astype(int),
        }
    )


def columns(**changes):
    values = {
        "arm": "arm",
        "control": "none",
        "outcomes": ["spend"],
        "covariates": ["is_new", "history", "city"],
    }
    return ExperimentColumns(**{**values, **changes})


@pytest.fixture(scope="module")
def reading(table):
    return read_experiment(table, columns(), seed=1).reading


def test_the_adjusted_effect_is_nearer_to_the_truth_than_the_plain_difference(table, reading):
    letter, mail = reading["effects"]
    plain = table.groupby("arm")["spend"].mean()
    assert mail["raw"]["value"] == pytest.approx(plain["mail"] - plain["none"])
    assert mail["adjusted"]["value"] == pytest.approx(0.5, abs=0.06)
    width = {name: mail[name]["high"] - mail[name]["low"] for name in ("raw", "adjusted")}
    assert width["adjusted"] < 0.5 * width["raw"]
    assert mail["variance_left"] < 0.25
    assert (mail["verdict"], letter["verdict"]) == ("positive", "too_small_to_tell")
    assert letter["adjusted"]["low"] < 0 < letter["adjusted"]["high"]


def test_arms_are_counted_with_the_control_arm_first(reading):
    assert [(arm["arm"], arm["is_control"], arm["members"]) for arm in reading["arms"]] == [
        ("none", True, 400),
        ("letter", False, 400),
        ("mail", False, 400),
    ]
    assert reading["members"] == MEMBERS


def test_only_groups_that_differ_are_shown(reading):
    (groups,) = reading["groups"]
    assert (groups["arm"], groups["column"]) == ("mail", "is_new")
    effects = {level["value"]: level["shrunken"]["value"] for level in groups["levels"]}
    assert effects["True"] == pytest.approx(1.0, abs=0.12)
    assert effects["False"] == pytest.approx(0.0, abs=0.12)
    assert sum(level["members"] for level in groups["levels"]) == 800
    assert reading["columns_tried"] == 3


def test_a_column_that_the_contact_has_changed_is_not_taken_as_known_before(table):
    later = table.assign(opened=(table["arm"] == "mail").astype(int), code=table.index.astype(str))
    read = read_experiment(later, columns(covariates=["history", "opened", "code"]), seed=1).reading
    assert read["covariates"] == ["history"]
    assert [(column["column"], column["why"]) for column in read["left_out"]] == [
        ("opened", "differs_between_arms"),
        ("code", "identifies_rows"),
    ]


def test_a_share_is_told_from_an_amount_and_without_covariates_nothing_is_adjusted(table):
    read = read_experiment(table, columns(outcomes=["bought"], covariates=[]), seed=1).reading
    assert {effect["kind"] for effect in read["effects"]} == {"share"}
    assert {effect["adjusted"] for effect in read["effects"]} == {None}
    # 800 members are too few for a model of who reacts
    assert read["uplift"] == []


def test_everything_that_does_not_fit_is_named_at_once(table):
    with pytest.raises(ConfigError) as refused:
        read_experiment(table, columns(control="nobody", outcomes=["city", "spend"]), seed=1)
    first, second = refused.value.problems
    assert "nobody" in first
    assert "city" in second
    gaps = table.assign(spend=table["spend"].where(table.index > 3))
    with pytest.raises(ConfigError, match="missing in 4 rows"):
        read_experiment(gaps, columns(), seed=1)
    endless = table.assign(spend=table["spend"].where(table.index > 1, np.inf))
    with pytest.raises(ConfigError, match="infinite in 2 rows"):
        read_experiment(endless, columns(), seed=1)
    with pytest.raises(ConfigError, match="A share needs 0 and 1"):
        read_experiment(table, columns(outcomes=["city"]), seed=1)
    with pytest.raises(ConfigError, match="no column 'age'"):
        read_experiment(table, columns(covariates=["age"]), seed=1)


def test_rows_without_an_arm_are_counted_and_left_out(table):
    some_without = table.assign(arm=table["arm"].where(table.index >= 30))
    read = read_experiment(some_without, columns(covariates=["history"]), seed=1).reading
    assert (read["members"], read["without_arm"]) == (MEMBERS - 30, 30)


def test_text_becomes_a_column_per_value_and_numbers_become_thirds():
    city = pd.Series(["Bern", "Rome", "Bern", None], name="city")
    arms = pd.Series(["a", "a", "b", "b"])
    known = covariates_of(city.to_frame(), arms, ["city"])
    assert known.numbers.to_dict("list") == {"city: Rome": [0.0, 1.0, 0.0, 0.0]}
    assert groups_of(pd.Series(np.arange(9.0))).value_counts().tolist() == [3, 3, 3]


def test_a_small_arm_carries_few_slopes():
    rng = np.random.default_rng(2)
    known = pd.DataFrame(rng.normal(size=(120, 10)), columns=list("abcdefghij"))
    treated = np.arange(120) % 2 == 0
    carried = strongest(known, (3 * known["g"] + rng.normal(size=120)).to_numpy(), treated)
    assert carried.columns[0] == "g"
    # 60 rows in an arm, 20 for each slope
    assert carried.shape[1] == 60 // 20


def test_holm_multiplies_the_smallest_most_and_never_turns_the_order():
    assert holm({"a": 0.04, "b": 0.01, "c": 0.5}) == {"b": 0.03, "a": 0.08, "c": 0.5}


def test_an_experiment_without_differences_rarely_shows_a_group():
    """400 members in an arm, 2 × 3 comparisons of 4 columns each."""
    rng = np.random.default_rng(5)
    treated = np.arange(800) % 2 == 0
    none = pd.DataFrame(index=range(800))
    shows, experiments = 0, 30
    for _ in range(experiments):
        groups = pd.DataFrame(rng.choice(["a", "b"], (800, 4)), columns=list("wxyz"))
        compared = {}
        for arm, outcome in product(["mail", "letter"], ["spend", "visits", "orders"]):
            values = rng.normal(size=800)
            compared |= compared_groups(
                ArmContrast(
                    arm=arm,
                    outcome=outcome,
                    values=values,
                    treated=treated,
                    known=none,
                    adjusted_by=none,
                    groups=groups,
                )
            )
        assert len(compared) == 2 * 3 * 4
        shows += bool(differing_groups(compared))
    # 10 % are promised: 8 or more of 30 would come by chance in under 1 % of such tests
    assert shows <= 7


def test_an_id_is_no_covariate_and_an_amount_that_never_repeats_is_one(table):
    named = table.assign(customer_id=table.index // 2, row=table.index * 7, Id=table["history"])
    known = covariates_of(named, table["arm"], ["customer_id", "row", "Id", "history"])
    assert known.names == ["Id", "history"]
    assert {(left["column"], left["why"]) for left in known.left_out} == {
        ("customer_id", "identifies_rows"),
        ("row", "identifies_rows"),
    }


def test_a_column_that_was_measured_after_the_start_is_named(table, reading):
    assert {effect["doubt"] for effect in reading["effects"]} == {None}
    noise = np.random.default_rng(1).normal(0, 0.01, MEMBERS)
    # where the contact moved nobody, such a column does not differ between the arms
    later = table.assign(margin=0.4 * table["spend"] + noise)[table["arm"] != "mail"]
    read = read_experiment(later, columns(covariates=["city", "margin"]), seed=1).reading
    (effect,) = read["effects"]
    assert effect["doubt"] == {"column": "margin", "why": "explains_nearly_all"}


def test_an_adjustment_that_moves_the_effect_by_more_than_chance_is_named():
    """Each of two columns differs by 2.8 standard errors, too few to be left out; together 4."""
    rng = np.random.default_rng(2)
    arm = np.array(["none", "mail"])[np.arange(400) % 2]
    members = pd.DataFrame(rng.normal(size=(400, 2)), columns=["clicks", "visits"])
    by_arm = members.groupby(arm)
    members = (members - by_arm.transform("mean")) / by_arm.transform("std")
    members.loc[arm == "mail"] += 2.8 * np.sqrt(2 / 200)
    spend = 6 * members["clicks"] + 5 * members["visits"] + rng.normal(0, 2, 400)
    table = members.assign(arm=arm, spend=spend)
    read = read_experiment(table, columns(covariates=["clicks", "visits"]), seed=1).reading
    (effect,) = read["effects"]
    assert read["left_out"] == []
    assert effect["verdict"] == "too_small_to_tell"
    assert effect["doubt"] == {"column": "clicks", "why": "moves_the_effect"}
