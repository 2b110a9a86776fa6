"""`regulars serve`."""

from pathlib import Path

import click

from features.command_line import Speaker, common_options
from features.config import load_settings
from serving.api import BundleInfo
from serving.server import check_host
from serving.server import serve as run_server
from serving.store import SqlStore
from training.manifest import current_bundle, read_manifest


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@common_options
def serve(host: str, port: int, config: Path, speaker: Speaker) -> None:
    """Answer requests from the latest run: pages at /, the API under /v1, its docs at /docs."""
    settings = load_settings(config)
    check_host(host)
    manifest = read_manifest(current_bundle(settings.path(settings.store.bundles)))
    store = SqlStore(settings.database_url(settings.store.url))
    info = BundleInfo(
        bundle_id=manifest.bundle_id,
        models={
            name: {"version": entry.version, "grade": entry.grade}
            for name, entry in manifest.models.items()
        },
    )
    speaker.say(f"Page: http://{host}:{port}/   API: http://{host}:{port}/docs   Stop with Ctrl-C")
    run_server(host, port, store=store, bundle_info=info)
