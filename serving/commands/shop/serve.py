"""`regulars serve`."""

from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from serving.commands.frame import Speaker, common_options
from serving.contacts.address_book import AddressBook
from serving.imports.jobs import ImportFolder
from serving.jobs.desk import JobDesk
from serving.jobs.keeper import keeper_of
from serving.live.worker import worker_for
from serving.models.bundle_info import PublishedBundle
from serving.privacy.erasure import CustomerFiles
from serving.schedule.outcome import kept_outcome
from serving.server.server import check_host, is_local
from serving.server.server import serve as run_server
from serving.server.stores import Stores, open_stores
from serving.settings import load_shop
from serving.start.server import StartSocket, can_start, serve_start
from serving.store.rules import PublishRules


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--shops",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Answer for each folder in FOLDER that holds a regulars.toml, under /shops/NAME/.",
)
@click.option(
    "--scorers",
    default=4,
    show_default=True,
    type=click.IntRange(1, 64),
    help="With --shops: processes that score single customers, at most.",
)
@common_options
def serve(
    host: str, port: int, shops: Path | None, scorers: int, config: Path, speaker: Speaker
) -> None:
    """Answer requests from the latest run: pages at /, the API under /v1, its docs at /docs.

    Without people (`regulars people add`) and keys (`regulars keys create`) it answers this
    machine only.

    In a folder without settings it prints a link by which a shop is set up in a browser.
    """
    if shops is not None:
        _serve_folder(shops, host, port, scorers, speaker)
        return
    listening = None
    if is_local(host) and can_start(config):
        listening = _set_up(config, host, port, speaker)
        if listening is None:
            return
    _serve_shop(config, host, port, speaker, listening)


def _set_up(config: Path, host: str, port: int, speaker: Speaker) -> StartSocket | None:
    """Let a shop be set up in a browser; None where that was not brought to its end."""
    listening = StartSocket.bound(host, port)

    def announce(link: str) -> None:
        speaker.say(
            f"There is no {config} yet. Open this link to set the shop up; it works once:\n  {link}\n"
            "Stop with Ctrl-C"
        )

    return listening if serve_start(config, listening, announce) else None


def _serve_shop(
    config: Path, host: str, port: int, speaker: Speaker, listening: StartSocket | None
) -> None:
    settings = load_shop(config)
    bundle = PublishedBundle(settings)
    stores = open_stores(settings.database_url(settings.store.url), PublishRules.of(settings))
    check_host(host, stores, settings.people)
    if is_local(host) and not settings.people.oidc and _is_open(stores):
        speaker.say(
            "Nobody signs in and no API key is made: everybody on this machine may ask, nobody"
            " else can. `regulars people add NAME --role admin` lets the first person in,"
            " `regulars keys create` makes a key."
        )
    if bundle() is None:
        speaker.say(f"Nothing has been scored yet: http://{host}:{port}/jobs makes the first run.")
    speaker.say(f"Page: http://{host}:{port}/   API: http://{host}:{port}/docs   Stop with Ctrl-C")
    with (
        worker_for(config, settings.path(settings.store.bundles)) as scorer,
        keeper_of(config, stores.jobs, ZoneInfo(settings.data.timezone)) as keeper,
    ):
        run_server(
            host,
            port,
            stores=stores,
            bundle_info=bundle,
            settings=settings.serve,
            scorer=scorer,
            customer_files=CustomerFiles.of(settings),
            last_outcome=partial(kept_outcome, settings),
            imports=ImportFolder(settings.path(settings.store.imports)),
            jobs=JobDesk.of(settings, stores.jobs, keeper.wake),
            people=settings.people,
            address_book=AddressBook.of(settings, beside=config),
            listener=None if listening is None else listening.listener,
        )


def _is_open(stores: Stores) -> bool:
    return not stores.keys.all() and not stores.people.persons.any_ever()


def _serve_folder(folder: Path, host: str, port: int, scorers: int, speaker: Speaker) -> None:
    from serving.shops.serve import serve_shops, server_stores

    if not server_stores(folder).keys.all() and is_local(host):
        speaker.say(
            "The server itself has no key: everybody on this machine sees which shops there are."
            " `regulars keys create --shops FOLDER` makes one. Each shop has its own keys."
        )
    speaker.say(f"Shops: http://{host}:{port}/   Stop with Ctrl-C")
    serve_shops(folder, host, port, scorers=scorers)
