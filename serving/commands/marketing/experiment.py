"""`regulars experiment`."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import click
import pandas as pd

from features.errors import ConfigError
from features.orders.log import read_orders
from serving.commands.frame import Speaker, as_of_option, common_options
from serving.commands.marketing.experiment_text import say_experiment
from serving.experiments.campaign_table import campaign_table
from serving.experiments.kept_experiment import ExperimentSource, KeptExperiment
from serving.experiments.table_file import read_table_file
from serving.server.stores import open_stores
from serving.settings import load_shop
from training.experiments.read_table import ExperimentColumns, read_experiment

SEED = 20_260_101
MOST_ARMS = 20
"""Named where none was chosen."""


@click.command("experiment")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--arm", default="arm", show_default=True, help="The column that names the arms.")
@click.option("--control", help="The arm that the others are compared with.")
@click.option(
    "--outcome",
    "outcomes",
    multiple=True,
    help="A column of what happened: 0 or 1, or an amount; may be repeated.",
)
@click.option(
    "--before",
    "covariates",
    multiple=True,
    help="A column that was known before the start; default: all others.",
)
@click.option("--ignore", "ignored", multiple=True, help="A column that is not used.")
@click.option("--campaign", help="Read this campaign from the orders instead of a FILE.")
@as_of_option
@click.option(
    "--effects",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write each member's effect, out of fold, to this CSV file.",
)
@click.option("--keep", metavar="NAME", help="Keep the reading for the page and the API.")
@common_options
def experiment(  # noqa: PLR0913 - options of a command
    *,
    file: Path | None,
    arm: str,
    control: str | None,
    outcomes: Sequence[str],
    covariates: Sequence[str],
    ignored: Sequence[str],
    campaign: str | None,
    as_of: date | None,
    effects: Path | None,
    keep: str | None,
    config: Path,
    speaker: Speaker,
) -> None:
    """Read a randomised experiment: what each arm changed, for whom, and how sure that is.

    FILE is a CSV or Parquet table with a row per member. Neither orders nor trained models are
    needed, and no regulars.toml unless a reading is kept.
    """
    if (file is None) == (campaign is None):
        raise ConfigError("Name a FILE, or a campaign with --campaign.")
    if file is not None:
        table = read_table_file(file)
        columns = _columns(table, arm, control, outcomes, covariates, ignored)
        source = file.name
    else:
        assert campaign is not None  # noqa: S101 - one of the two is given
        table, columns = _of_campaign(config, campaign, as_of)
        source = campaign
    read = read_experiment(table, columns, seed=SEED, progress=speaker.progress)
    origin: ExperimentSource = {"source": source, "arm": columns.arm, "control": columns.control}
    if effects is not None:
        _write(table, read.effects, effects, known=columns.covariates)
    if keep is not None:
        _keep(config, {"name": keep, "read_at": _now(), **origin, "reading": read.reading})
    say_experiment(speaker, read.reading)
    speaker.result({**origin, **read.reading})


def _columns(
    table: pd.DataFrame,
    arm: str,
    control: str | None,
    outcomes: Sequence[str],
    covariates: Sequence[str],
    ignored: Sequence[str],
) -> ExperimentColumns:
    if arm not in table.columns:
        raise ConfigError(f"--arm {arm}: no such column (have: {', '.join(map(str, table))}).")
    if control is None:
        arms = ", ".join(sorted(table[arm].dropna().astype(str).unique())[:MOST_ARMS])
        raise ConfigError(f"--control: say which arm the others are compared with (have: {arms}).")
    taken = {arm, *outcomes, *ignored}
    return ExperimentColumns(
        arm=arm,
        control=control,
        outcomes=outcomes,
        covariates=covariates or [str(name) for name in table if name not in taken],
    )


def _of_campaign(
    config: Path, campaign_id: str, as_of: date | None
) -> tuple[pd.DataFrame, ExperimentColumns]:
    settings = load_shop(config)
    store = open_stores(settings.database_url(settings.store.url)).campaigns
    campaign = store.campaign(campaign_id)
    with read_orders(settings) as log:
        return campaign_table(store, log, campaign, as_of or log.end)


def _keep(config: Path, experiment: KeptExperiment) -> None:
    settings = load_shop(config)
    stores = open_stores(settings.database_url(settings.store.url))
    stores.experiments.keep(experiment)


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _write(
    table: pd.DataFrame, effects: pd.DataFrame, output: Path, *, known: Sequence[str]
) -> None:
    """The effects beside the columns that were neither outcomes nor covariates, such as an id."""
    names = [name for name in table if name not in known]
    table[names].join(effects.add_prefix("effect ")).to_csv(output, index=False)
