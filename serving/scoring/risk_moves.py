"""How customers moved between the bands of risk since the run before, as a segment system."""

import numpy as np
import pandas as pd

from features.language.message import message
from serving.store.moves import MOVES
from serving.store.run import RuleTexts

_NAMES = {
    "low": message("Low"),
    "medium": message("Medium"),
    "high": message("High"),
    "critical": message("Critical"),
}
RISK_MOVE_RULE: RuleTexts = {
    "title": message("Risk since the last run").in_all_languages(),
    "rule": message(
        "The band of risk in the latest run of an earlier date and the same horizon, and the band "
        "in this run. Customers who were not in that run have none."
    ).in_all_languages(),
    "cut_points": [],
    "groups": {
        move: message(
            "%(before)s → %(now)s", before=_NAMES[before], now=_NAMES[now]
        ).in_all_languages()
        for move, (before, now) in MOVES.items()
    },
}


def risk_moves(before: "pd.Series[str]", now: "pd.Series[str]") -> "pd.Series[str]":
    """Such as `low_to_high`; missing where either band is unknown.

    Parameters
    ----------
    before : band of risk in the run before, index `customer_id`; further customers are left out
    now : the same of this run
    """
    bands_before = before.reindex(now.index)
    moves = bands_before.astype("object") + "_to_" + now.astype("object")
    return moves.where(bands_before.notna() & now.notna(), np.nan)
