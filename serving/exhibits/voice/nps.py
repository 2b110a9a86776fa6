"""Net promoter score of the shop and of its groups over time."""

import math
from datetime import date, timedelta
from typing import Any

import pandas as pd
from scipy.stats import norm

from features.language.message import Phrase, message
from features.orders.log import day_number
from features.periods import Unit, between, period_sql
from features.segments.relations.voice import PASSIVE_FROM, PROMOTER_FROM
from features.tables.optional_tables import visible_tables
from serving.exhibits.exhibit import ExhibitMaker, Scene

LEVEL = 0.8
MONTHLY_UNTIL_DAYS = 730
MOST_PERIODS = 24
YEAR_DAYS = 365
COUNTS = ["promoters", "detractors", "answers"]
NO_ANSWERS = (0, 0, 0)


def _make(scene: Scene) -> dict[str, object] | Phrase:
    if scene.log.settings.data.interactions is None:
        return message("This shop records no interactions.")
    unit: Unit = (
        "month" if (scene.as_of - scene.log.first_day).days <= MONTHLY_UNTIL_DAYS else "quarter"
    )
    answers = _answers(scene, unit)
    if answers.empty:
        return message("Nobody has given a satisfaction score yet.")
    last = scene.as_of - timedelta(days=1)
    periods = between(date.fromisoformat(answers["period"].min()), last, unit)[-MOST_PERIODS:]
    names = [period.isoformat() for period in periods]
    by_period = _by_key(answers.groupby("period")[COUNTS].sum())
    recent = answers[answers["is_recent"]]
    return {
        "unit": unit,
        "level": LEVEL,
        "days": YEAR_DAYS,
        "all": score_of(*map(int, recent[COUNTS].sum())),
        "periods": [
            {"period": name, **score_of(*by_period.get(name, NO_ANSWERS))} for name in names
        ],
        "systems": _systems(scene, answers, recent, names),
    }


def _answers(scene: Scene, unit: Unit) -> pd.DataFrame:
    """Per customer and period how many answers were what; strangers have no `customer_id`."""
    today = day_number(scene.as_of)
    visible = visible_tables(scene.log.settings.data, today)["interactions"]
    return scene.log.frame(f"""
        SELECT customer_id, {period_sql("day", unit)} AS period,
               day >= {today - YEAR_DAYS} AS is_recent,
               count(*) FILTER (value >= {PROMOTER_FROM}) AS promoters,
               count(*) FILTER (value < {PASSIVE_FROM}) AS detractors, count(*) AS answers
        FROM {visible} AS known_interactions LEFT JOIN customers USING (customer)
        WHERE kind = 'satisfaction' AND day < {today} GROUP BY ALL ORDER BY ALL""")


def _systems(
    scene: Scene, answers: pd.DataFrame, recent: pd.DataFrame, names: list[str]
) -> dict[str, object]:
    systems: dict[str, object] = {}
    for system, group in scene.systems.items():
        of_all = answers.assign(group=answers["customer_id"].map(group)).dropna(subset=["group"])
        of_recent = recent.assign(group=recent["customer_id"].map(group))
        by_period = _by_key(of_all.groupby(["group", "period"])[COUNTS].sum())
        by_group = _by_key(of_recent.groupby("group")[COUNTS].sum())
        systems[system] = [
            {
                "value": str(value),
                **score_of(*by_group.get(value, NO_ANSWERS)),
                "periods": [
                    score_of(*by_period.get((value, name), NO_ANSWERS))["nps"] for name in names
                ],
            }
            for value in sorted(of_all["group"].unique(), key=str)
        ]
    return systems


def _by_key(table: pd.DataFrame) -> dict[Any, tuple[int, ...]]:
    """Index of the table → its counts."""
    return {key: tuple(map(int, counts)) for key, *counts in table.itertuples()}


def score_of(promoters: int, detractors: int, answers: int) -> dict[str, object]:
    """NPS in points from −100 to 100 with its 80 % interval; None without an answer.

    The interval is the adjusted Wald one of B. Rocks, "Interval Estimation for the Net Promoter
    Score", The American Statistician 70 (2016): three answers are added, ¾ of a promoter, ¾ of a
    detractor and 1½ passive ones.

    >>> score_of(50, 20, 100)["nps"]
    30.0
    """
    if not answers:
        return {**dict.fromkeys(("nps", "low", "high")), **dict.fromkeys(COUNTS, 0)}
    nps = 100 * (promoters - detractors) / answers
    share_up, share_down = ((number + 0.75) / (answers + 3) for number in (promoters, detractors))
    middle = share_up - share_down
    error = math.sqrt((share_up + share_down - middle**2) / (answers + 3))
    reach = float(norm.ppf((1 + LEVEL) / 2)) * error
    low, high = 100 * (middle - reach), 100 * (middle + reach)
    return {
        "nps": round(nps, 1),
        # the interval holds what was counted
        "low": round(max(-100.0, min(low, nps)), 1),
        "high": round(min(100.0, max(high, nps)), 1),
        "promoters": int(promoters),
        "detractors": int(detractors),
        "answers": int(answers),
    }


EXHIBIT = ExhibitMaker(
    name="nps",
    title=message("Net promoter score"),
    method=message(
        "Of the satisfactions told, 0 to 10: the share of promoters (from 9) minus the share of "
        "detractors (below 7), in points from −100 to 100; every answer counts. The shop's and the "
        "groups' score is of the last %(days)s days, the course by month (by quarter, where the orders "
        "span more than two years). Groups are those of today. 80 %% interval: adjusted Wald (Rocks, "
        "2016).",
        days=YEAR_DAYS,
    ),
    make=_make,
)
