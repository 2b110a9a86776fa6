"""How customers moved between the stages of their life since the run before, as a segment system."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.language.message import message
from serving.store.moves import NEW, stage_move
from serving.store.run import RuleTexts

_NEW = message("New").in_all_languages()


def stage_move_rule(stages: Mapping[str, Mapping[str, str]]) -> RuleTexts:
    """The rule of the system; `stages` are what the stages are called in each language."""
    before = {NEW: _NEW, **stages}
    return {
        "title": message("Stage since the last run").in_all_languages(),
        "rule": message(
            "The stage in the latest run of an earlier date and the same horizon, and the stage in "
            "this run. New: not in that run, or without a stage in it."
        ).in_all_languages(),
        "cut_points": [],
        "groups": {
            stage_move(name, now): {
                language: f"{texts[language]} → {stages[now][language]}" for language in texts
            }
            for name, texts in before.items()
            for now in stages
        },
    }


def stage_moves(before: "pd.Series[str]", now: "pd.Series[str]") -> "pd.Series[str]":
    """Such as `growth_to_stable`, `new_to_growth`; missing where there is no stage now.

    Parameters
    ----------
    before : stage in the run before, index `customer_id`; further customers are left out
    now : the same of this run
    """
    stages_before = before.reindex(now.index).astype("object")
    moves = stages_before.where(stages_before.notna(), NEW) + "_to_" + now.astype("object")
    return moves.where(now.notna(), np.nan)
