"""`regulars score`."""

from datetime import UTC, date, datetime
from pathlib import Path

import click

from serving.commands.frame import Speaker, accept_option, accepting, as_of_option, common_options
from serving.runs.job import ScoringHooks, score_shop
from serving.settings import load_shop


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
    published = score_shop(
        accepting(load_shop(config), accepted),
        created_at=datetime.now(UTC),
        as_of=as_of,
        output=output,
        hooks=ScoringHooks(progress=speaker.progress),
    )
    run = published.run
    bands = run.scores["retention_risk"].value_counts()
    counts = {band: int(bands.get(band, 0)) for band in ("critical", "high", "medium", "low")}
    speaker.say(
        f"Scored {len(run.scores):,} customers as of {run.info.as_of} ({run.info.run_id}): "
        + ", ".join(f"{count:,} {band}" for band, count in counts.items())
    )
    if published.older_than is not None:
        speaker.say(
            f"Readers see this run now, no longer that of {published.older_than}. `regulars score` "
            "without --as-of brings the newest orders back."
        )
    for code, reason in run.info.accepted.items():
        speaker.say(f"Accepted, and recorded in the run: {code} ({reason})")
    for file in published.files:
        speaker.say(f"Wrote {file}")
    speaker.result(
        {
            "run_id": run.info.run_id,
            "as_of": run.info.as_of,
            "customers": len(run.scores),
            "retention_risk": counts,
            "accepted": dict(run.info.accepted),
            "files": [str(file) for file in published.files],
        }
    )
