"""`regulars train` and `regulars backtest`."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import click

from features.errors import ConfigError
from features.orders.kept_log import read_kept_orders
from serving.commands.frame import (
    Speaker,
    accept_option,
    accepting,
    as_of_option,
    common_options,
)
from serving.exhibits.past import run_misses
from serving.live.handover import lines_sent
from serving.runs.job import opened_shop
from serving.settings import Settings, load_shop
from training.backtest.backtest import Backtest, run_backtest
from training.backtest.grade import RULE
from training.backtest.report import backtest_page, cells, shown
from training.bundle.manifest import current_bundle
from training.job import (
    TrainResult,
    outcome_sentence,
    parameters,
    prepare_training,
    require_training,
)
from training.job import train as run_training
from training.memory_need import MemoryOutlook, memory_outlook
from training.models.prior_share import sentence as prior_sentence
from training.promotion.promotion import RULE as PROMOTION_RULE
from training.repetition import made_from, repeated
from training.version_comparison import keep_comparisons


@click.command()
@as_of_option
@accept_option
@click.option("--again", is_flag=True, help="Train although nothing is new since the last one.")
@common_options
def train(
    as_of: date | None, accepted: tuple[str, ...], again: bool, config: Path, speaker: Speaker
) -> None:
    """Learn from the orders, backtest, track in MLflow, register and publish the models."""
    require_training()
    settings = accepting(load_shop(config), accepted)
    with opened_shop(settings, speaker.progress) as shop:
        for words in shop.pass_orders().values():
            speaker.say(words)
        misses = run_misses(shop.log, shop.runs, as_of or shop.log.end)
        before = repeated(settings, made_from(shop.log, as_of, misses))
        if before is not None and not again:
            _say_nothing_new(speaker, before, settings)
            return
        say_memory(speaker, memory_outlook(shop.log))
        result = run_training(shop.log, as_of, speaker.progress, runs=misses)
    keep_comparisons(settings, result.versions)
    say_backtest(speaker, result.backtest)
    _say_left_out(speaker, result.left_out)
    say_verdicts(speaker, result)
    speaker.result(
        {
            "run_id": result.run_id,
            "versions": result.versions,
            "verdicts": {name: vars(verdict) for name, verdict in result.verdicts.items()},
            "promotion_rule": PROMOTION_RULE,
            "refused": result.refused,
            "left_out": result.left_out,
            "stand_ins": dict(result.stand_ins),
            "bundle": result.bundle.name if result.bundle else None,
            "customers": result.customers,
            "prior_share": result.prior_share,
            "clv_basis": result.basis.name,
            "cost_known_share": result.basis.known_share,
            "level": {**result.level.to_dict(), "text": result.level.sentence()},
            **_as_dict(result.backtest),
        }
    )
    speaker.say(outcome_sentence(result))
    if result.bundle is not None:
        speaker.say_next("score", config)


def _say_nothing_new(speaker: Speaker, before: Mapping[str, Any], settings: Settings) -> None:
    """What stands, since a training would repeat the one before."""
    versions = {name: model["version"] for name, model in before["models"].items()}
    stand = ", ".join(f"{name} version {number}" for name, number in versions.items())
    speaker.say(
        f"Nothing new since the training as of {before['as_of']}: {stand}. The same orders and "
        "settings give the same models; --again trains them anyway."
    )
    speaker.result(
        {
            "nothing_new": True,
            "run_id": before["mlflow_run_id"],
            "versions": versions,
            "bundle": current_bundle(settings.path(settings.store.bundles)).name,
        }
    )


def say_memory(speaker: Speaker, outlook: MemoryOutlook) -> None:
    """What the training will need, and a warning where there is less."""
    if outlook.is_enough:
        speaker.say(outlook.sentence())
    else:
        click.echo(f"regulars: {outlook.sentence()}", err=True)


def say_verdicts(speaker: Speaker, result: TrainResult) -> None:
    """Who became champion and why, and how much the models had to go by."""
    speaker.say("\nPromotion")
    for task in (result_of_task.task for result_of_task in result.backtest.results):
        version = result.versions[task.name]
        speaker.say(f"  {task.title}, version {version}: {result.verdicts[task.name].sentence()}")
    speaker.say(f"Rule: {PROMOTION_RULE}.")
    sentence = result.basis.sentence()
    speaker.say(f"{sentence[0].upper()}{sentence[1:]}.")
    speaker.say(result.level.sentence())
    speaker.say(f"Learned from {prior_sentence(result.customers, result.prior_share)}.")


@click.command()
@as_of_option
@click.option("--folds", type=click.IntRange(1, 20), help="How many origins to judge from.")
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the report with its plots to this file.",
)
@common_options
def backtest(
    as_of: date | None, folds: int | None, html: Path | None, config: Path, speaker: Speaker
) -> None:
    """Judge every model beside its named baseline on past dates; publish nothing."""
    require_training()
    from training.tracking.mlflow_runs import Tracker

    settings = load_shop(config)
    if folds is not None:
        settings = settings.model_copy(
            update={"train": settings.train.model_copy(update={"folds": folds})}
        )
    with read_kept_orders(settings, sent=lines_sent(settings)) as log:
        speaker.progress(f"read {log.report.rows_used:,} rows")
        prepared = prepare_training(log, as_of, speaker.progress)
        judged = run_backtest(prepared.world, prepared.plan, prepared.tasks, speaker.progress)
        tracker = Tracker(settings)
        as_of_day = prepared.plan.as_of.isoformat()
        with tracker.training(parameters(log, prepared.plan), as_of_day, kind="backtest") as run_id:
            tracker.log_backtest(judged, {}, prior_share=None)
            for result in judged.results:
                tracker.log_trial(result)
    if html is not None:
        _write(html, backtest_page(judged))
    say_backtest(speaker, judged)
    _say_left_out(speaker, prepared.left_out)
    if html is not None:
        speaker.say(f"Wrote {html}")
    speaker.result(
        {
            "run_id": run_id,
            "left_out": prepared.left_out,
            "html": None if html is None else str(html),
            **_as_dict(judged),
        }
    )


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name(f".{file.name}.unfinished")
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(file)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written ({error}).") from None


def say_backtest(speaker: Speaker, judged: Backtest) -> None:
    """The table of every task: contenders side by side, mean over the folds."""
    plan = judged.plan
    dates = ", ".join(fold.test.isoformat() for fold in plan.folds)
    speaker.say(f"Backtest of the next {plan.horizon_days} days from {dates}")
    for result in judged.results:
        speaker.table(
            f"\n{result.task.title} – {result.grade.sentence()}",
            ["", *(name.replace("_", " ") for name in shown(result))],
            [[contender, *cells(result, contender)] for contender in result.folds[0]],
        )
    speaker.say(f"\nGrades: {RULE}.")


def _say_left_out(speaker: Speaker, left_out: dict[str, str]) -> None:
    for name, why in left_out.items():
        speaker.say(f"Left out {name}: {why}.")


def _as_dict(judged: Backtest) -> dict[str, object]:
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
