"""`regulars train`, `regulars backtest` and `regulars models`."""

import math
from datetime import date
from pathlib import Path
from typing import Any

import click

from features.command_line import Speaker, as_of_option, common_options
from features.config import load_settings
from features.errors import RegularsError
from features.orders import read_orders
from training.backtest import Backtest, TaskResult, run_backtest
from training.grade import RULE
from training.job import prepare_training
from training.job import train as run_training

SHOWN = {
    "churn": ("auc", "log_loss", "brier", "calibration_error", "lift_top_10"),
    "value": ("gini", "mae", "rmse", "spearman", "bias", "top_20_share", "coverage_80"),
    "next_purchase": ("date_mae_days", "concordance", "coverage_80"),
    "recommendation": (
        "ndcg_at_10",
        "recall_at_10",
        "hit_at_10",
        "repeat_recall_at_10",
        "new_recall_at_10",
        "catalogue_coverage_at_10",
    ),
}


@click.command()
@as_of_option
@common_options
def train(as_of: date | None, config: Path, speaker: Speaker) -> None:
    """Learn from the orders, backtest, track in MLflow, register and publish the models."""
    settings = load_settings(config)
    with read_orders(settings) as log:
        speaker.progress(f"read {log.report.rows_used:,} rows")
        result = run_training(log, as_of, speaker.progress)
    say_backtest(speaker, result.backtest)
    _say_left_out(speaker, result.left_out)
    speaker.result(
        {
            "run_id": result.run_id,
            "versions": result.versions,
            "refused": result.refused,
            "left_out": result.left_out,
            "bundle": result.bundle.name if result.bundle else None,
            **_as_dict(result.backtest),
        }
    )
    if result.refused:
        why = "; ".join(f"{name}: {reason}" for name, reason in result.refused.items())
        raise RegularsError(
            f"the models were registered as challengers and not published, since {why}. "
            "The models in force stay."
        )
    speaker.say(f"Published {result.bundle.name if result.bundle else ''}. Next: regulars score")


@click.command()
@as_of_option
@click.option("--folds", type=click.IntRange(1, 20), help="How many origins to judge from.")
@common_options
def backtest(as_of: date | None, folds: int | None, config: Path, speaker: Speaker) -> None:
    """Judge every model beside its named baseline on past dates; publish nothing."""
    settings = load_settings(config)
    if folds is not None:
        settings = settings.model_copy(
            update={"train": settings.train.model_copy(update={"folds": folds})}
        )
    with read_orders(settings) as log:
        speaker.progress(f"read {log.report.rows_used:,} rows")
        prepared = prepare_training(log, as_of, speaker.progress)
        judged = run_backtest(prepared.world, prepared.plan, prepared.tasks, speaker.progress)
    say_backtest(speaker, judged)
    _say_left_out(speaker, prepared.left_out)
    speaker.result({"left_out": prepared.left_out, **_as_dict(judged)})


@click.command()
@common_options
def models(config: Path, speaker: Speaker) -> None:
    """List the registered models: versions, aliases, grades."""
    from training.tracking import Tracker

    versions = Tracker(load_settings(config)).versions()
    speaker.table(
        "",
        ["model", "version", "alias", "as of", "grade against its baseline"],
        [[v.name, v.version, ", ".join(v.aliases), v.as_of, v.improvement] for v in versions],
        words=("alias", "grade against its baseline"),
    )
    if not versions:
        speaker.say("No models are registered yet. Run: regulars train")
    speaker.result({"models": [vars(version) for version in versions]})


def say_backtest(speaker: Speaker, judged: Backtest) -> None:
    """The table of every task: contenders side by side, mean over the folds."""
    plan = judged.plan
    dates = ", ".join(fold.test.isoformat() for fold in plan.folds)
    speaker.say(f"Backtest of the next {plan.horizon_days} days from {dates}")
    for result in judged.results:
        measures = SHOWN[result.task.name]
        speaker.table(
            f"\n{result.task.title} – {result.grade.sentence()}",
            ["", *(name.replace("_", " ") for name in measures)],
            [[contender, *_cells(result, contender)] for contender in result.folds[0]],
        )
    speaker.say(f"\nGrades: {RULE}.")


def _cells(result: TaskResult, contender: str) -> list[str]:
    means = (result.mean(contender, name) for name in SHOWN[result.task.name])
    return ["–" if math.isnan(mean) else f"{mean:,.3f}" for mean in means]


def _say_left_out(speaker: Speaker, left_out: dict[str, str]) -> None:
    for name, why in left_out.items():
        speaker.say(f"Left out {name}: {why}.")


def _as_dict(judged: Backtest) -> dict[str, Any]:
    return {
        "as_of": judged.plan.as_of.isoformat(),
        "horizon_days": judged.plan.horizon_days,
        "grade_rule": RULE,
        "grades": {result.task.name: result.grade.to_dict() for result in judged.results},
        "backtest": judged.table()
        .astype(object)
        .where(lambda t: t.notna(), None)
        .to_dict("records"),
    }
