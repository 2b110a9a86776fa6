"""Folders of small shops, each with a run of its own, behind one application."""

import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving.errors import ScorerAway
from serving.people.api_keys.keys import new_key
from serving.server.lifecycle import ServerLifecycle
from serving.server.metrics import ProcessFigures
from serving.server.stores import open_stores
from serving.settings import Settings
from serving.shops.host import HostSettings, host_application
from serving.shops.pool import ScorerPool
from serving.shops.registry import ShopRegistry
from serving.shops.serve import server_stores
from serving.shops.shop import Hosting
from tests.support.scores import run_info, score_tables
from tests.support.shop import shop_settings, write_config
from tests.support.trained import SECTIONS

AT = datetime(2026, 3, 4, tzinfo=UTC)
NEVER = 3600.0
"""Seconds until the server looks at its folder by itself, so that only tests say when."""


@dataclass
class ShopsUnderTest:
    """A folder of shops, and the application in front of it.

    Attributes
    ----------
    client : of the application, which is started
    log : name of the shop, and the fields of each line
    """

    folder: Path
    bundles: Path
    client: TestClient
    registry: ShopRegistry
    pool: ScorerPool
    process: ProcessFigures
    log: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def add(self, name: str, customers: int = 12, **sections: Any) -> Settings:
        """A folder with models, a store and a run of so many customers."""
        return add_shop(self.folder, self.bundles, name, customers, **sections)

    def look(self) -> None:
        """Let the server look at its folder now."""
        self.client.portal.call(self.registry.look)

    def key(self, name: str | None, scope: str = "read") -> dict[str, str]:
        """Headers with a new key of a shop, or of the server itself."""
        if name is None:
            stores = server_stores(self.folder)
        else:
            stores = open_stores(f"sqlite:///{self.folder / name / 'data' / 'regulars.db'}")
        token, key = new_key(scope, name="", at=datetime.now(UTC), expires_days=None)
        stores.keys.add(key)
        stores.close()
        return {"Authorization": f"Bearer {token}"}


def add_shop(
    folder: Path, bundles: Path, name: str, customers: int = 12, **sections: Any
) -> Settings:
    root = folder / name
    (root / "data").mkdir(parents=True)
    shutil.copytree(bundles, root / "data" / "bundles")
    settings = shop_settings(root, **{**SECTIONS, **sections})
    write_config(settings)
    stores = open_stores(settings.database_url(settings.store.url))
    stores.scores.publish(run_info(f"run-of-{name}"), *score_tables(customers))
    stores.close()
    return settings


def no_process(_config: Path) -> Any:
    raise ScorerAway("no scorers in these tests")


class ListedLog:
    def __init__(self, lines: list[tuple[str, dict[str, Any]]], shop: str) -> None:
        self._lines, self._shop = lines, shop

    def info(self, event: str, **fields: object) -> None:
        self._lines.append((self._shop, {"event": event, **fields}))

    error = info


@pytest.fixture
def start(trained, tmp_path):
    """Starts the application of a folder; `add` some shops first."""
    bundles = trained.settings.path(trained.settings.store.bundles)
    folder = tmp_path / "shops"
    folder.mkdir()
    clients = []

    def started(*names: str, start=no_process, is_local: bool = True, **sections: Any):
        for number, name in enumerate(names):
            add_shop(folder, bundles, name, 12 + number, **sections.get(name, {}))
        lines: list[tuple[str, dict[str, Any]]] = []
        lifecycle, process = ServerLifecycle(), ProcessFigures()
        pool = ScorerPool(start, places=2)
        hosting = Hosting(
            pool=pool,
            lifecycle=lifecycle,
            process=process,
            log=lambda name: ListedLog(lines, name),
            is_local=is_local,
        )
        registry = ShopRegistry(folder, hosting, look_seconds=NEVER)
        settings = HostSettings(
            clock=lambda: datetime.now(UTC),
            ticks=time.monotonic,
            hosts={"localhost"} if is_local else None,
            must_sign_in=not is_local,
        )
        stores = server_stores(folder)
        app = host_application(
            registry,
            pool,
            stores.keys,
            lifecycle=lifecycle,
            process=process,
            settings=settings,
            log=ListedLog(lines, ""),
        )
        client = TestClient(
            app, "http://localhost", raise_server_exceptions=False, follow_redirects=False
        )
        client.__enter__()
        clients.append((client, pool, stores))
        return ShopsUnderTest(folder, bundles, client, registry, pool, process, lines)

    yield started
    for client, pool, stores in clients:
        client.__exit__(None, None, None)
        pool.close()
        stores.close()
