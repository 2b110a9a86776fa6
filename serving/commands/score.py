"""`regulars score`."""

from datetime import UTC, date, datetime
from pathlib import Path

import click

from features.errors import ConfigError
from features.orders.log import read_orders
from features.settings.loading import load_settings
from features.sql import working_folder
from serving.campaigns.measuring import learned
from serving.commands.frame import Speaker, accept_option, accepting, as_of_option, common_options
from serving.exhibits.catalogue import exhibits_of
from serving.live.context import RunContext, context_file, write_context
from serving.live.handover import SentSoFar
from serving.privacy.erasure import erased_of
from serving.scoring.run import ScoreRun
from serving.scoring.run import score as run_score
from serving.server.stores import open_stores
from serving.settings import Settings
from serving.store.rules import PublishRules
from training.bundle.publication import load_models


@click.command()
@as_of_option
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also write scores.parquet and recommendations.parquet into this folder.",
)
@accept_option
@common_options
def score(
    as_of: date | None,
    output: Path | None,
    accepted: tuple[str, ...],
    config: Path,
    speaker: Speaker,
) -> None:
    """Score every customer and publish the run to the store."""
    settings = accepting(load_settings(config, Settings), accepted)
    models = load_models(settings)
    stores = open_stores(settings.database_url(settings.store.url), PublishRules.of(settings))
    store = stores.scores
    speaker.progress(f"loaded {models.manifest.bundle_id}")
    sent = SentSoFar.read(stores.live, settings.data)
    with working_folder(settings.engine) as folder:
        with read_orders(settings, sent=sent.typed, histories=folder) as log:
            speaker.progress(f"read {log.report.rows_used:,} rows")
            as_of = as_of or log.end
            log.check_as_of(as_of)
            lessons = learned(log, as_of, speaker.progress)
            run = run_score(log, models, as_of, datetime.now(UTC), speaker.progress, store, lessons)
            context = RunContext.of(log, run.info, run.scores)
            erased = erased_of(settings)
            run = run.without(erased.among(run.scores["customer_id"]))
            exhibits = exhibits_of(log, run, models, store)
            speaker.progress(f"made {len(exhibits)} exhibits")
            handover = sent.handover(log, run, models, folder, erased)
        files = _written(run, output) if output else ()
        store.publish(run.info, run.scores, run.recommendations, exhibits, handover)
    write_context(context, context_file(settings))
    speaker.progress("published the run")
    bands = run.scores["retention_risk"].value_counts()
    counts = {band: int(bands.get(band, 0)) for band in ("critical", "high", "medium", "low")}
    speaker.say(
        f"Scored {len(run.scores):,} customers as of {run.info.as_of} ({run.info.run_id}): "
        + ", ".join(f"{count:,} {band}" for band, count in counts.items())
    )
    for file in files:
        speaker.say(f"Wrote {file}")
    speaker.result(
        {
            "run_id": run.info.run_id,
            "as_of": run.info.as_of,
            "customers": len(run.scores),
            "retention_risk": counts,
            "files": [str(file) for file in files],
        }
    )


def _written(run: ScoreRun, output: Path) -> tuple[Path, ...]:
    try:
        return run.write(output)
    except OSError as error:
        raise ConfigError(f"{output}: cannot be written ({error}).") from None
