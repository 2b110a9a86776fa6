"""`regulars backup` and `regulars restore`."""

import shutil
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import click

from features.errors import ConfigError
from serving.commands.frame import Speaker, common_options
from serving.commands.people.audit import note
from serving.commands.shop.export import identity_option, in_folder_or_sealed, recipient_option
from serving.privacy.sealing import unsealed
from serving.server.backup import SETTINGS, Contents, back_up, read_contents
from serving.server.backup import restore as put_back
from serving.settings import load_shop

PLACE = click.Path(path_type=Path)


@click.command()
@click.argument("folder", type=PLACE)
@click.option("--trainings", is_flag=True, help="Also MLflow's database and artifacts.")
@recipient_option
@common_options
def backup(
    *,
    folder: Path,
    trainings: bool,
    recipients: tuple[str, ...],
    config: Path,
    speaker: Speaker,
) -> None:
    """Copy the store, the published models and the settings into a new FOLDER.

    Servers and score runs may go on meanwhile.
    """
    settings, at = load_shop(config), datetime.now(UTC)
    made: list[Contents] = []
    in_folder_or_sealed(
        folder,
        recipients,
        lambda place: made.append(back_up(settings, config, place, at, trainings=trainings)),
    )
    (contents,) = made
    speaker.say(f"Wrote {len(contents.files)} files to {folder}")
    speaker.result({"folder": str(folder), "files": len(contents.files), "bundle": contents.bundle})


@click.command()
@click.argument("folder", type=PLACE)
@click.option("--replace", is_flag=True, help="Also where there is a store already.")
@identity_option
@common_options
def restore(
    *, folder: Path, replace: bool, identity: Path | None, config: Path, speaker: Speaker
) -> None:
    """Put a backup back where the settings say; settings that are there stay.

    Whom you have erased since the backup was made must be erased again.
    """
    if identity is None and folder.is_file():
        raise ConfigError(f"{folder}: is a sealed file. --identity names the key that opens it.")
    opened = nullcontext(folder) if identity is None else unsealed(folder, identity)
    with opened as whole:
        _restore(whole, replace=replace, config=config, speaker=speaker)


def _restore(folder: Path, *, replace: bool, config: Path, speaker: Speaker) -> None:
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
