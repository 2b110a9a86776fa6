"""`regulars train`, `backtest`, `models` and `promote`."""

from datetime import date
from pathlib import Path
from typing import Any

import click

from features.errors import ConfigError, RegularsError
from features.orders.log import read_orders
from features.settings.loading import load_settings
from serving.commands.frame import (
    Speaker,
    accept_option,
    accepting,
    as_of_option,
    common_options,
    orders_sent,
)
from serving.settings import Settings
from training.backtest.backtest import Backtest, run_backtest
from training.backtest.grade import RULE
from training.backtest.report import backtest_page, cells, shown
from training.bundle.manifest import Manifest, current_bundle, name_in_force, read_manifest
from training.errors import BundleError
from training.job import TrainResult, parameters, prepare_training
from training.job import train as run_training
from training.models.shrinkage import sentence as prior_sentence
from training.promotion.promotion import RULE as PROMOTION_RULE
from training.tasks.catalogue import TASKS, registered_name


@click.command()
@as_of_option
@accept_option
@common_options
def train(as_of: date | None, accepted: tuple[str, ...], config: Path, speaker: Speaker) -> None:
    """Learn from the orders, backtest, track in MLflow, register and publish the models."""
    settings = accepting(load_settings(config, Settings), accepted)
    with read_orders(settings, sent=orders_sent(settings)) as log:
        speaker.progress(f"read {log.report.rows_used:,} rows")
        result = run_training(log, as_of, speaker.progress)
    say_backtest(speaker, result.backtest)
    _say_left_out(speaker, result.left_out)
    say_verdicts(speaker, result)
    speaker.result(
        {
            "run_id": result.run_id,
            "versions": result.versions,
            "verdicts": {name: vars(one) for name, one in result.verdicts.items()},
            "promotion_rule": PROMOTION_RULE,
            "refused": result.refused,
            "left_out": result.left_out,
            "bundle": result.bundle.name if result.bundle else None,
            "customers": result.customers,
            "prior_share": result.prior_share,
            "clv_basis": result.basis.name,
            "cost_known_share": result.basis.known_share,
            **_as_dict(result.backtest),
        }
    )
    if result.bundle is None:
        raise unpublished(result, settings)
    speaker.say(f"Published {result.bundle.name}. Next: regulars score")


def unpublished(result: TrainResult, settings: Settings) -> RegularsError:
    """Why a training put nothing in force, and what is in force then."""
    why = "; ".join(f"{name}: {reason}" for name, reason in result.refused.items())
    stays = "The models in force stay."
    if name_in_force(settings.path(settings.store.bundles)) is None:
        stays = (
            "No models are in force, so nobody can be scored yet. `regulars check` tells what the "
            "orders lack; a longer history or a shorter predict.horizon_days shows a model more."
        )
    return RegularsError(
        f"the models were registered as challengers and not published, since {why}. {stays}"
    )


def say_verdicts(speaker: Speaker, result: TrainResult) -> None:
    """Who became champion and why, and how much the models had to go by."""
    speaker.say("\nPromotion")
    for task in (one.task for one in result.backtest.results):
        version = result.versions[task.name]
        speaker.say(f"  {task.title}, version {version}: {result.verdicts[task.name].sentence()}")
    speaker.say(f"Rule: {PROMOTION_RULE}.")
    words = result.basis.sentence()
    speaker.say(f"{words[0].upper()}{words[1:]}.")
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
    from training.tracking.mlflow_runs import Tracker

    settings = load_settings(config, Settings)
    if folds is not None:
        settings = settings.model_copy(
            update={"train": settings.train.model_copy(update={"folds": folds})}
        )
    with read_orders(settings, sent=orders_sent(settings)) as log:
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


@click.command()
@common_options
def models(config: Path, speaker: Speaker) -> None:
    """List the registered models: versions, grades, which is champion, and why."""
    from training.tracking.mlflow_runs import Tracker

    settings = load_settings(config, Settings)
    manifest = _manifest_in_force(settings)
    in_force = {} if manifest is None else manifest.models
    versions = Tracker(settings).versions()
    speaker.table(
        "",
        ["model", "version", "alias", "as of", "grade against its baseline", "why"],
        [
            [v.name, v.version, ", ".join(v.aliases), v.as_of, v.improvement, v.verdict]
            for v in versions
        ],
        words=("alias", "grade against its baseline", "why"),
    )
    if not versions:
        speaker.say("No models are registered yet. Run: regulars train")
    for one in versions:
        if one.ledger:
            speaker.say(f"{one.name} version {one.version}, when its time had passed: {one.ledger}")
    if manifest is not None:
        speaker.say(f"\nIn force: {manifest.bundle_id}; before it: {manifest.previous or 'none'}.")
        for name, entry in in_force.items():
            speaker.say(f"  {registered_name(name)} version {entry.version}: {entry.reason}")
    speaker.result(
        {
            "models": [vars(version) for version in versions],
            "in_force": None if manifest is None else manifest.lineage(),
        }
    )


def _manifest_in_force(settings: Settings) -> Manifest | None:
    try:
        return read_manifest(current_bundle(settings.path(settings.store.bundles)))
    except BundleError:
        return None


@click.command()
@click.option(
    "--model",
    "names",
    multiple=True,
    type=click.Choice([task.name for task in TASKS]),
    help="Which model; may be given again. Default: all that have a challenger.",
)
@click.option("--version", help="Which version; default: the challenger. Needs one --model.")
@common_options
def promote(names: tuple[str, ...], version: str | None, config: Path, speaker: Speaker) -> None:
    """Put challengers in force, unless they are worse than what they would replace."""
    from training.promotion.succession import promote as run_promotion

    if version is not None and len(names) != 1:
        raise ConfigError("--version: say which model it is of: --model churn --version 3.")
    done = run_promotion(load_settings(config, Settings), names, version)
    for name, one in done.verdicts.items():
        speaker.say(f"{registered_name(name)} version {done.versions[name]}: {one.sentence()}")
    speaker.result(
        {
            "versions": done.versions,
            "verdicts": {name: vars(one) for name, one in done.verdicts.items()},
            "bundle": done.bundle,
            "promotion_rule": PROMOTION_RULE,
        }
    )
    refused = {name: one.reason for name, one in done.verdicts.items() if not one.promoted}
    if done.bundle is not None:
        speaker.say(f"Published {done.bundle}. Next: regulars score")
    if refused:
        why = "; ".join(f"{name}: {reason}" for name, reason in refused.items())
        raise RegularsError(f"not promoted, since {why}.")


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
