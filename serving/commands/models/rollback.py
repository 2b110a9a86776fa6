"""`regulars rollback`, apart from the other commands so that it starts at once."""

from datetime import UTC, datetime
from pathlib import Path

import click

from serving.commands.frame import Speaker, common_options
from serving.commands.people.audit import note
from serving.settings import load_shop
from training.bundle import in_force
from training.tracking.registry import UNTOLD, tell_registry


@click.command()
@common_options
def rollback(config: Path, speaker: Speaker) -> None:
    """Return to the models that were in force before; the registry follows."""
    settings = load_shop(config)
    note(settings, "rollback", count=0, detail="all models, to those before", at=datetime.now(UTC))
    manifest = in_force.rollback(settings)
    speaker.say(f"In force again: {manifest.bundle_id}.")
    speaker.say_next("score", config)
    # the models have changed already; MLflow takes seconds to start
    if why := tell_registry(settings, lambda tracker: tracker.crown(manifest)):
        speaker.say(f"{UNTOLD}: {why}")
    speaker.result(manifest.lineage())
