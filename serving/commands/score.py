"""`regulars score`."""

from datetime import UTC, date, datetime
from pathlib import Path

import click

from features.command_line import Speaker, as_of_option, common_options
from features.config import load_settings
from features.errors import ConfigError
from features.orders import read_orders
from serving.erasure import erased_of
from serving.live.context import RunContext, context_file, write_context
from serving.scoring import ScoreRun
from serving.scoring import score as run_score
from serving.store import PublishRules, SqlStore
from training.bundle import load_models


@click.command()
@as_of_option
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also write scores.parquet and recommendations.parquet into this folder.",
)
@common_options
def score(as_of: date | None, output: Path | None, config: Path, speaker: Speaker) -> None:
    """Score every customer and publish the run to the store."""
    settings = load_settings(config)
    models = load_models(settings)
    store = SqlStore(settings.database_url(settings.store.url), PublishRules.of(settings))
    speaker.progress(f"loaded {models.manifest.bundle_id}")
    with read_orders(settings) as log:
        speaker.progress(f"read {log.report.rows_used:,} rows")
        run = run_score(log, models, as_of, datetime.now(UTC), speaker.progress, store)
        context = RunContext.of(log, run.info, run.scores)
    run = run.without(erased_of(settings).among(run.scores["customer_id"]))
    files = _written(run, output) if output else ()
    store.publish(run.info, run.scores, run.recommendations)
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
