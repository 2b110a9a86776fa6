"""`regulars erase`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from features.errors import ConfigError
from features.sql import remove_abandoned
from serving.commands.frame import Speaker, common_options
from serving.commands.people.audit import note
from serving.privacy.erasure import CustomerFiles
from serving.privacy.erasure import erase as erase_customers
from serving.server.stores import open_stores
from serving.settings import load_shop


@click.command()
@click.argument("customer_ids", metavar="CUSTOMER_ID...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.option(
    "--exports",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder of exports; every file in it is looked at. May be given again.",
)
@common_options
def erase(
    customer_ids: tuple[str, ...],
    yes: bool,
    exports: tuple[Path, ...],
    config: Path,
    speaker: Speaker,
) -> None:
    """Erase customers everywhere, for good, and print the proof."""
    settings = load_shop(config)
    if not yes and not click.confirm(f"Erase {len(customer_ids)} customers for good?", err=True):
        raise ConfigError("Nothing was erased.")
    at = datetime.now(UTC)
    stores = open_stores(settings.database_url(settings.store.url))
    note(settings, "erase", count=len(customer_ids), detail="all runs and derived files", at=at)
    files = CustomerFiles.of(settings)
    proof = erase_customers(customer_ids, stores.erasures, files, at, exports=exports)
    erased_count = len(proof.erasure_ids) - len(proof.unknown_ids)
    speaker.say(f"Erased {erased_count} customers at {proof.erased_at}.")
    normal_ids = dict.fromkeys(map(files.id_of, customer_ids))
    for customer_id, digest in zip(normal_ids, proof.erasure_ids, strict=True):
        if digest in proof.unknown_ids:
            speaker.say(
                f"{customer_id!r}: unknown to the store. It is kept out all the same; look whether "
                "the id is written as in the orders."
            )
    for name, rows in {**proof.rows, **proof.files_rewritten}.items():
        speaker.say(f"{name}: {rows:,} rows removed")
    for path in proof.files_removed:
        speaker.say(f"{path}: deleted, the next run makes it anew")
    for path in proof.files_not_changed:
        speaker.say(f"{path}: holds an id still and cannot be rewritten. Remove it.")
    if cleared := remove_abandoned(settings.engine):
        speaker.say(f"{cleared} working folders of killed processes were removed.")
    speaker.say(f"erasure ids: {', '.join(proof.erasure_ids)}")
    speaker.say(proof.not_changed)
    speaker.result(proof.to_dict())
