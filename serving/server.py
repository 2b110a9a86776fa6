"""The server process: an application behind uvicorn, on loopback."""

from datetime import UTC, datetime
from ipaddress import ip_address

import uvicorn

from features.errors import ConfigError
from serving.api import BundleInfo, create_app
from serving.store import Store

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


def serve(host: str, port: int, *, store: Store, bundle_info: BundleInfo | None) -> None:
    """Answer requests until SIGTERM or SIGINT; requests in flight are finished first.

    Parameters
    ----------
    host : address to listen on; it must be of this machine only
    port : TCP port, 0 for any free one
    store : where score runs are read
    bundle_info : the set of models that has been checked, None if there is none yet

    Raises
    ------
    ConfigError
        When `host` can be reached from other machines.
    """
    check_host(host)
    app = create_app(
        store,
        bundle_info,
        clock=lambda: datetime.now(UTC),
        hosts={*LOOPBACK_NAMES, host.lower()},
    )
    uvicorn.run(
        app, host=host, port=port, server_header=False, proxy_headers=False, access_log=False
    )


def check_host(host: str) -> None:
    """Refuse an address that other machines can reach; see `serve`."""
    if host.lower() == "localhost":
        return
    try:
        safe = ip_address(host).is_loopback
    except ValueError:
        safe = False
    if not safe:
        raise ConfigError(
            "host: the server has no API keys yet, so it listens on this machine only."
            " Use 127.0.0.1, and a tunnel or an authenticating proxy for other machines."
        )
