"""`regulars serve`."""

from functools import partial
from pathlib import Path

import click

from serving.commands.frame import Speaker, common_options
from serving.live.worker import worker_for
from serving.models.bundle_info import BundleInfo
from serving.privacy.erasure import CustomerFiles
from serving.schedule.outcome import kept_outcome
from serving.server.server import check_host
from serving.server.server import serve as run_server
from serving.server.stores import open_stores
from serving.settings import load_shop
from serving.store.rules import PublishRules
from training.bundle.in_force import manifest_in_force


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@common_options
def serve(host: str, port: int, config: Path, speaker: Speaker) -> None:
    """Answer requests from the latest run: pages at /, the API under /v1, its docs at /docs.

    Without keys (`regulars keys create`) it answers this machine only.
    """
    settings = load_shop(config)
    manifest = manifest_in_force(settings)
    stores = open_stores(settings.database_url(settings.store.url), PublishRules.of(settings))
    check_host(host, stores)
    info = BundleInfo(
        bundle_id=manifest.bundle_id,
        models={name: entry.summary() for name, entry in manifest.models.items()},
    )
    if not stores.keys.all():
        speaker.say(
            "No API key is made: everybody on this machine may ask, nobody else can."
            " `regulars keys create` makes one."
        )
    speaker.say(f"Page: http://{host}:{port}/   API: http://{host}:{port}/docs   Stop with Ctrl-C")
    with worker_for(config, settings.path(settings.store.bundles)) as scorer:
        run_server(
            host,
            port,
            stores=stores,
            bundle_info=info,
            settings=settings.serve,
            scorer=scorer,
            customer_files=CustomerFiles.of(settings),
            last_outcome=partial(kept_outcome, settings),
        )
