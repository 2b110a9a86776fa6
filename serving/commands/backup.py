"""`regulars backup` and `regulars restore`."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import click

from serving.commands.audit import note
from serving.commands.frame import Speaker, common_options
from serving.server.backup import SETTINGS, back_up, read_contents
from serving.server.backup import restore as put_back
from serving.settings import load_shop

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--trainings", is_flag=True, help="Also MLflow's database and artifacts.")
@common_options
def backup(*, folder: Path, trainings: bool, config: Path, speaker: Speaker) -> None:
    """Copy the store, the published models and the settings into a new FOLDER.

    Servers and score runs may go on meanwhile.
    """
    settings, at = load_shop(config), datetime.now(UTC)
    contents = back_up(settings, config, folder, at, trainings=trainings)
    speaker.say(f"Wrote {len(contents.files)} files to {folder}")
    speaker.result({"folder": str(folder), "files": len(contents.files), "bundle": contents.bundle})


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--replace", is_flag=True, help="Also where there is a store already.")
@common_options
def restore(*, folder: Path, replace: bool, config: Path, speaker: Speaker) -> None:
    """Put a backup back where the settings say; settings that are there stay.

    Whom you have erased since the backup was made must be erased again.
    """
    contents = read_contents(folder)
    if not config.exists():
        config.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / SETTINGS, config)
    settings = load_shop(config)
    put_back(settings, folder, replace=replace)
    detail = f"backup of {contents.made_at}"
    note(settings, "restore", count=len(contents.files), detail=detail, at=datetime.now(UTC))
    speaker.say(f"Restored the backup of {contents.made_at}")
    speaker.result({"made_at": contents.made_at, "bundle": contents.bundle})
