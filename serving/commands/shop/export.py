"""`regulars export`, `regulars sealing-key` and `regulars unseal`."""

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from features.errors import ConfigError
from serving.commands.frame import IsoDate, Speaker, common_options
from serving.commands.people.audit import note
from serving.privacy.sealing import make_identity, recipients_of, seal, unsealed
from serving.settings import Settings, load_shop

FILE = click.Path(path_type=Path, dir_okay=False)

recipient_option = click.option(
    "--recipient",
    "recipients",
    multiple=True,
    metavar="PUBLIC_KEY",
    help="Write one file that only the holder of this key can open (age1…). May be given again.",
)
identity_option = click.option(
    "--identity", type=FILE, default=None, help="The secret key that opens a sealed file."
)


def in_folder_or_sealed(
    target: Path, recipients: tuple[str, ...], write: Callable[[Path], None]
) -> None:
    """Let `write` fill the folder `target`, or seal what it fills into the file `target`."""
    if not recipients:
        write(target)
        return
    keys = recipients_of(recipients)
    if target.exists():
        raise ConfigError(f"{target}: is there already. Name a new file.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as aside:
        folder = Path(aside) / "whole"
        write(folder)
        seal(folder, target, keys)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--as-of", type=IsoDate(), default=None, help="Only orders before this date.")
@recipient_option
@common_options
def export(
    *,
    folder: Path,
    as_of: date | None,
    recipients: tuple[str, ...],
    config: Path,
    speaker: Speaker,
) -> None:
    """Write features, figures and order lines under pseudonyms into a new FOLDER.

    export.json in it says what was left out. The key of the pseudonyms stays here.
    """
    settings, at = load_shop(config), datetime.now(UTC)
    rows: dict[str, int] = {}
    in_folder_or_sealed(
        folder, recipients, lambda target: rows.update(_written(settings, target, as_of, at))
    )
    detail = "pseudonymous customers and lines"
    note(settings, "export", count=rows["customers.parquet"], detail=detail, at=at)
    speaker.say(
        f"Wrote {rows['customers.parquet']:,} customers and "
        f"{rows['lines.parquet']:,} lines to {folder}."
    )
    speaker.say(
        f"The key stays in {settings.path(settings.store.pseudonym_key)}: hand it to nobody."
    )
    speaker.result({"folder": str(folder), "rows": rows})


def _written(settings: Settings, folder: Path, as_of: date | None, at: datetime) -> dict[str, int]:
    from features.orders.log import read_orders
    from serving.privacy.erasure import CustomerFiles, Erased
    from serving.privacy.hash_keys import PseudonymKey
    from serving.privacy.pseudonyms import write_pseudonymous
    from serving.server.stores import open_stores

    stores = open_stores(settings.database_url(settings.store.url))
    key = PseudonymKey.at(settings.path(settings.store.pseudonym_key))
    with read_orders(settings) as log:
        ids = log.frame("SELECT customer_id FROM customers")["customer_id"]
        written = write_pseudonymous(
            log,
            folder,
            as_of=as_of or log.end,
            made_at=at,
            key=key,
            erased=Erased(stores.erasures, CustomerFiles.of(settings)).among(ids),
            scores=stores.scores,
        )
    return written.rows


@click.command("sealing-key")
@click.argument("file", type=FILE)
@common_options
def sealing_key(*, file: Path, config: Path, speaker: Speaker) -> None:  # noqa: ARG001
    """Make a secret key in FILE, and print the public key that files are sealed with."""
    public = make_identity(file)
    speaker.say(f"Public key: {public}")
    speaker.say(f"{file} opens what is sealed with it. Keep it apart from the files.")
    speaker.result({"public_key": public, "file": str(file)})


@click.command()
@click.argument("file", type=FILE)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@identity_option
@common_options
def unseal(
    *,
    file: Path,
    folder: Path,
    identity: Path | None,
    config: Path,  # noqa: ARG001
    speaker: Speaker,
) -> None:
    """Put what is in a sealed FILE into a new FOLDER."""
    if identity is None:
        raise ConfigError("--identity names the secret key that opens the file.")
    if folder.exists():
        raise ConfigError(f"{folder}: is there already. Name a new folder.")
    with unsealed(file, identity) as opened:
        shutil.copytree(opened, folder)
    speaker.say(f"Wrote {folder}.")
    speaker.result({"folder": str(folder)})
