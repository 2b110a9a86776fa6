"""One shop of a folder: found, opened, and its application."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from features.errors import ConfigError
from features.settings.loading import CONFIG_NAME
from serving.contacts.address_book import AddressBook
from serving.imports.jobs import ImportFolder
from serving.live.orders import PAUSE_SECONDS
from serving.live.worker import state_of
from serving.models.bundle_info import BundleInfo, bundle_info
from serving.privacy.erasure import CustomerFiles
from serving.schedule.outcome import kept_outcome
from serving.server.api_document import ApiDocument
from serving.server.app import application
from serving.server.lifecycle import ServerLifecycle
from serving.server.metrics import ProcessFigures
from serving.server.observed import Observed
from serving.server.parts import ServerParts, put_together
from serving.server.server import LOOPBACK_NAMES
from serving.server.stores import open_stores
from serving.settings import Serve, Settings, load_shop
from serving.shops.pool import PooledScorer, ScorerPool
from serving.store.rules import PublishRules
from serving.web.logs import RequestLog
from training.bundle.in_force import manifest_in_force
from training.errors import BundleError

MOST_IN_FLIGHT = 16
"""Requests of one shop that are worked on at once: of the server's 40 threads there is always one
for the other shops, unless three of them take all they may."""

LAST_ANSWERS = 2_000
"""Customers whose last answers are kept in memory, of all shops together."""

LEAST_LAST_ANSWERS = 100

FOLLOW_SECONDS_PER_SHOP = 0.1
"""Many shops are looked at less often each: together ten times a second."""

KEPT_OF_A_SHOP = {
    *("store.url", "store.bundles", "store.imports"),
    *("store.erasure_key", "store.exports"),
}
"""Settings whose places no two shops of a server may have together."""


@dataclass(frozen=True, kw_only=True)
class ShopFolder:
    """A folder with a settings file."""

    name: str
    config: Path

    def mark(self, settings: Settings | None) -> str:
        """Changes when the settings or the models in force do."""
        marks = [_mark_of(self.config)]
        if settings is not None:
            marks.append(state_of(settings.path(settings.store.bundles)).partition("; ")[0])
        return " ".join(marks)


@dataclass(frozen=True, kw_only=True)
class HostedShop:
    """A shop that is open, and its application.

    Attributes
    ----------
    without_models : why no set of models is in force; None where there is one
    mark : of the settings and models that it was opened with
    """

    name: str
    settings: Settings
    parts: ServerParts
    scorer: PooledScorer
    app: Observed
    without_models: str | None
    mark: str

    def close(self) -> None:
        """Give scorer and connections back, after the application's own end."""
        self.scorer.close()
        self.parts.stores.close()


@dataclass(frozen=True, kw_only=True)
class Hosting:
    """What all shops of a server share.

    Attributes
    ----------
    process : figures of the process, such as its connections
    log : takes a line for every request
    is_local : the server listens on this machine only
    document : of the API, which is that of every shop
    shops : how many there are, by which what is kept in memory is divided
    """

    pool: ScorerPool
    lifecycle: ServerLifecycle
    process: ProcessFigures
    log: Callable[[str], RequestLog | None]
    is_local: bool
    document: ApiDocument = field(default_factory=ApiDocument)
    shops: int = 1


def shop_folders(folder: Path) -> dict[str, ShopFolder]:
    """The shops of a folder by their names, in their order.

    Raises
    ------
    OSError
        When the folder cannot be read.
    """
    with os.scandir(folder) as entries:
        names = sorted(
            entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()
        )
    configs = {name: folder / name / CONFIG_NAME for name in names}
    return {
        name: ShopFolder(name=name, config=config)
        for name, config in configs.items()
        if config.is_file()
    }


def open_shop(shop_folder: ShopFolder, hosting: Hosting, *, taken: Mapping[str, str]) -> HostedShop:
    """Open the store of a shop and put its application together.

    Without models in force it answers what its store tells, and says that it is not ready.

    Parameters
    ----------
    taken : where other shops keep something → the shop's name

    Raises
    ------
    ConfigError
        When its settings cannot be used, or it would keep something where another shop does.
    StoreError
        When its store cannot be.
    """
    settings = load_shop(shop_folder.config)
    _must_share_nothing(shop_folder, settings, taken)
    mark = shop_folder.mark(settings)
    bundle, without_models = _bundle_of(settings)
    stores = open_stores(settings.database_url(settings.store.url), PublishRules.of(settings))
    scorer = hosting.pool.scorer_of(shop_folder.config, settings.path(settings.store.bundles))
    limits = _limits_beside(settings.serve, hosting)
    parts = put_together(
        stores,
        lambda: bundle,
        clock=lambda: datetime.now(UTC),
        settings=limits,
        lifecycle=hosting.lifecycle,
        scorer=scorer,
        customer_files=CustomerFiles.of(settings),
        last_outcome=partial(kept_outcome, settings),
        imports=ImportFolder(settings.path(settings.store.imports)),
        jobs=None,
        address_book=AddressBook.of(settings, beside=shop_folder.config),
        process=hosting.process,
        ticks=time.monotonic,
        people=settings.people,
    )
    app = application(
        parts,
        settings=limits,
        document=hosting.document,
        follow_seconds=max(PAUSE_SECONDS, hosting.shops * FOLLOW_SECONDS_PER_SHOP),
        log=hosting.log(shop_folder.name),
        ticks=time.monotonic,
        must_sign_in=not hosting.is_local,
        hosts={*LOOPBACK_NAMES, *limits.hosts} if hosting.is_local else None,
    )
    return HostedShop(
        name=shop_folder.name,
        settings=settings,
        parts=parts,
        scorer=scorer,
        app=app,
        without_models=without_models,
        mark=mark,
    )


def _must_share_nothing(
    shop_folder: ShopFolder, settings: Settings, taken: Mapping[str, str]
) -> None:
    problems = [
        f"{shop_folder.config}: keeps {setting} where the shop {taken[folder]} does. Give it a place of "
        "its own."
        for setting, folder in settings.places().items()
        if setting in KEPT_OF_A_SHOP and folder in taken
    ]
    if problems:
        raise ConfigError(problems)


def _limits_beside(limits: Serve, hosting: Hosting) -> Serve:
    """The limits of a shop that shares threads and memory with others."""
    kept_answers = max(LAST_ANSWERS // hosting.shops, LEAST_LAST_ANSWERS)
    return limits.model_copy(
        update={
            "in_flight": min(limits.in_flight, MOST_IN_FLIGHT),
            "in_flight_per_key": min(limits.in_flight_per_key, MOST_IN_FLIGHT - 4),
            "last_good_customers": min(limits.last_good_customers, kept_answers),
        }
    )


def _bundle_of(settings: Settings) -> tuple[BundleInfo | None, str | None]:
    """The models in force, or None and why there are none."""
    try:
        return bundle_info(manifest_in_force(settings)), None
    except BundleError as error:
        return None, str(error)


def _mark_of(file: Path) -> str:
    try:
        status = file.stat()
    except OSError:
        return "none"
    return f"{status.st_mtime_ns} {status.st_ino} {status.st_size}"
