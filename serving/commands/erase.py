"""`regulars erase`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from features.errors import ConfigError
from features.settings.loading import load_settings
from serving.commands.audit import note
from serving.commands.frame import Speaker, common_options
from serving.privacy.erasure import CustomerFiles
from serving.privacy.erasure import erase as erase_customers
from serving.server.stores import open_stores
from serving.settings import Settings


@click.command()
@click.argument("customer_ids", metavar="CUSTOMER_ID...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.option(
    "--exports",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder of `regulars score --output`; may be given again.",
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
    settings = load_settings(config, Settings)
    if not yes and not click.confirm(f"Erase {len(customer_ids)} customers for good?", err=True):
        raise ConfigError("Nothing was erased.")
    at = datetime.now(UTC)
    stores = open_stores(settings.database_url(settings.store.url))
    note(settings, "erase", count=len(customer_ids), detail="all runs and derived files", at=at)
    proof = erase_customers(
        customer_ids, stores.erasures, CustomerFiles.of(settings), at, exports=exports
    )
    speaker.say(f"Erased {len(customer_ids)} customers at {proof.erased_at}.")
    for name, rows in {**proof.rows, **proof.files_rewritten}.items():
        speaker.say(f"{name}: {rows:,} rows removed")
    for path in proof.files_removed:
        speaker.say(f"{path}: deleted, the next run makes it anew")
    speaker.say(f"erasure ids: {', '.join(proof.erasure_ids)}")
    speaker.say(proof.not_changed)
    speaker.result(proof.to_dict())
