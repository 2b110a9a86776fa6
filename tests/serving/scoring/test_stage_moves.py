"""Moves between the stages of customers' lives."""

import pandas as pd

from serving.scoring.stage_moves import stage_move_rule, stage_moves

STAGES = {"growth": {"en": "Growth", "zh": "成长"}, "stable": {"en": "Stable", "zh": "稳定"}}


def test_each_customer_has_the_stage_before_and_now():
    before = pd.Series({"a": "growth", "b": "stable", "c": None, "gone": "growth"}, dtype="str")
    now = pd.Series({"a": "stable", "b": "stable", "c": "growth", "d": "growth", "e": None})
    assert stage_moves(before, now.astype("str")).dropna().to_dict() == {
        "a": "growth_to_stable",
        "b": "stable_to_stable",
        "c": "new_to_growth",
        "d": "new_to_growth",
    }


def test_the_rule_names_every_move_in_every_language():
    groups = stage_move_rule(STAGES)["groups"]
    assert len(groups) == 3 * 2
    assert groups["growth_to_stable"] == {"en": "Growth → Stable", "zh": "成长 → 稳定"}
    assert groups["new_to_growth"]["en"] == "New → Growth"
