"""`regulars ledger`."""

import math
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pandas as pd

from serving.commands.frame import Speaker, common_options
from serving.errors import NoRun
from serving.runs.said import judge_kept_runs
from serving.runs.store import RunStore
from serving.settings import Settings, load_shop
from serving.store.money import money_format
from serving.store.rules import known_on
from serving.store.run import MoneyFormat
from training.backtest.grade import RULE, Grade
from training.backtest.ledger import LedgerEntry, corrections, grades_by_version
from training.tracking.registry import UNTOLD, tell_registry

if TYPE_CHECKING:
    from training.tracking.mlflow_runs import Tracker


@click.command()
@click.option(
    "--runs",
    "most",
    default=6,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="How many runs whose horizon has passed are looked at, the latest ones.",
)
@common_options
def ledger(most: int, config: Path, speaker: Speaker) -> None:
    """Compare what score runs said with what happened once their horizon had passed."""
    settings = load_shop(config)
    store = RunStore(settings.database_url(settings.store.url))
    if not store.runs():
        raise NoRun("Nothing has been scored yet. `regulars score` publishes a run.")
    judged_runs = judge_kept_runs(settings, store, most=most)
    entries, end = judged_runs.entries, judged_runs.orders_until
    grades = grades_by_version(entries, seed=settings.train.seed)
    proposals = corrections(entries, seed=settings.train.seed)
    if entries:
        judged_on = entries[-1].run.known_on
        why = tell_registry(settings, lambda tracker: _regrade(tracker, grades, judged_on))
        if why is not None:
            speaker.say(f"{UNTOLD}: {why}")
    speaker.result(
        {
            "orders_until": end.isoformat(),
            "grade_rule": RULE,
            "runs": [_as_dict(entry) for entry in entries],
            "grades": {
                f"{name} version {version}": grade.to_dict()
                for (name, version), grade in grades.items()
            },
            "corrections": [
                {**vars(correction), "wins": correction.wins} for correction in proposals
            ],
            "waiting": [
                {"run_id": run.info.run_id, "known_on": known_on(run.info).isoformat()}
                for run in judged_runs.waiting
            ],
        }
    )
    if not entries:
        first = min(known_on(run.info) for run in judged_runs.waiting)
        speaker.say(
            f"No run's horizon has passed: the first can be judged from {first} on, and the "
            f"orders end on {end}."
        )
        return
    _say(speaker, settings, entries)
    for (name, version), grade in grades.items():
        speaker.say(f"{name} version {version}, grade now {grade.sentence()}")
    speaker.say(f"Grades: {RULE}.")
    _say_corrections(speaker, [correction.sentence() for correction in proposals])


def _say_corrections(speaker: Speaker, sentences: list[str]) -> None:
    if not sentences:
        speaker.say(
            "No recalibration is proposed: it needs two runs whose horizons have passed, one "
            "of them before the other was made."
        )
        return
    speaker.say("\nRecalibration learned from earlier runs, judged on the latest:")
    for sentence in sentences:
        speaker.say(f"  {sentence}")
    speaker.say(
        "It is a proposal: scores are not changed. What a total was off by at the same season, or "
        "lastingly in three runs or more, the next training carries over (train.carry_over)."
    )


def _regrade(tracker: "Tracker", grades: dict[tuple[str, str], Grade], known_on: date) -> None:
    """The grade of a version moves to what it earned in use."""
    for (name, version), grade in grades.items():
        if tracker.version(name, version) is not None:
            tracker.tag(name, version, "grade", grade.letter)
            tracker.tag(name, version, "ledger", f"{grade.sentence()} (known {known_on})")


def _say(speaker: Speaker, settings: Settings, entries: Sequence[LedgerEntry]) -> None:
    money = money_format(settings.data.currency)
    rows = []
    for entry in entries:
        churn, value = (entry.judgements[name].metrics["model"] for name in ("churn", "value"))
        dates = entry.judgements["next_purchase"].metrics["model"]
        spent = entry.judgements["value"].rows
        rows.append(
            [
                entry.run.run_id,
                f"{entry.customers:,}",
                f"{churn['predicted_rate']:.1%} / {churn['actual_rate']:.1%}",
                entry.grades["churn"].letter,
                f"{money.write(spent['model'].sum())} / {money.write(spent['spent'].sum())}",
                f"{value['coverage_80']:.0%}",
                entry.grades["value"].letter,
                f"{dates['date_mae_days']:.1f} d",
                entry.grades["next_purchase"].letter,
            ]
        )
    speaker.table(
        "What was said / what happened",
        ["run", "customers", "churn", "", "spend", "in 80 %", " ", "date off by", "  "],
        rows,
    )
    speaker.table(
        "\nThe total as published with its 80 % interval, without what was carried over into it, "
        "and what came",
        ["run", "said", "from", "to", "without", "came", ""],
        [[entry.run.run_id, *_totals(entry, money)] for entry in entries],
    )
    latest = entries[-1]
    speaker.table(
        f"\n{latest.run.run_id} by tenths of the prediction, said / happened",
        ["tenth", "customers", "churn", "spend each"],
        _decile_rows(latest.deciles, money),
    )
    speaker.table(
        f"\n{latest.run.run_id} by segment, said / happened",
        ["segment", "customers", "churn", "spend each"],
        [
            [
                f"{row['system']}: {row['segment']}",
                f"{row['customers']:,}",
                f"{row['churn_said']:.0%} / {row['churn_happened']:.0%}",
                f"{money.write(row['value_said'])} / {money.write(row['value_happened'])}",
            ]
            for row in latest.segments.to_dict("records")
        ],
    )


def _totals(entry: LedgerEntry, money: MoneyFormat) -> list[str]:
    totals = entry.totals
    writers = {
        "said": money.write,
        "low": money.write_low,
        "high": money.write_high,
        "unmoved": money.write,
        "came": money.write,
    }
    within = {True: "within", False: "outside", None: ""}[entry.came_within]
    amounts = ((write, totals[name]) for name, write in writers.items())
    return [*("–" if amount is None else write(amount) for write, amount in amounts), within]


def _decile_rows(deciles: pd.DataFrame, money: MoneyFormat) -> list[list[str]]:
    churn, value = (deciles[deciles["task"] == name] for name in ("churn", "value"))
    merged = churn.merge(value, on="decile", suffixes=("_churn", "_value"))
    return [
        [
            str(row["decile"]),
            f"{row['customers_churn']:,}",
            f"{row['said_churn']:.1%} / {row['happened_churn']:.1%}",
            f"{money.write(row['said_value'])} / {money.write(row['happened_value'])}",
        ]
        for row in merged.to_dict("records")
    ]


def _as_dict(entry: LedgerEntry) -> dict[str, Any]:
    finite = {
        name: {
            contender: {
                key: value if math.isfinite(value) else None for key, value in figures.items()
            }
            for contender, figures in judgement.metrics.items()
        }
        for name, judgement in entry.judgements.items()
    }
    return {
        "run_id": entry.run.run_id,
        "as_of": entry.run.as_of.isoformat(),
        "known_on": entry.run.known_on.isoformat(),
        "customers": entry.customers,
        "totals": {**entry.totals, "came_within": entry.came_within},
        "models": dict(entry.run.versions),
        "grades": {name: grade.to_dict() for name, grade in entry.grades.items()},
        "measures": finite,
        "deciles": entry.deciles.to_dict("records"),
        "segments": entry.segments.to_dict("records"),
    }
