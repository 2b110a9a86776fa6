"""The models that are published, as their manifest names them."""

import logging
from collections.abc import Callable, Mapping
from typing import TypedDict

from serving.settings import Settings
from training.bundle.in_force import manifest_in_force
from training.bundle.manifest import CURRENT, Manifest, name_in_force
from training.errors import BundleError

log = logging.getLogger(__name__)


class BundleInfo(TypedDict):
    """The published models: name → `version` and `grade`."""

    bundle_id: str
    models: Mapping[str, Mapping[str, str]]


BundleNow = Callable[[], BundleInfo | None]
"""The published models at the moment; None while there are none."""


def bundle_info(manifest: Manifest) -> BundleInfo:
    """The published models of a manifest."""
    models = {name: entry.summary() for name, entry in manifest.models.items()}
    return BundleInfo(bundle_id=manifest.bundle_id, models=models)


class PublishedBundle:
    """The models in force of a shop, read again when others are.

    Parameters
    ----------
    settings : of the shop

    Raises
    ------
    BundleError
        When there are some that cannot be used; where none were published there are none.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bundles = settings.path(settings.store.bundles)
        self._pointer: tuple[int, int] | None = None
        self._info: BundleInfo | None = None
        if name_in_force(self._bundles) is not None or (self._bundles / CURRENT).exists():
            self._read()

    def __call__(self) -> BundleInfo | None:
        """What is in force now; what was, where that cannot be read."""
        if self._seen() != self._pointer:
            try:
                self._read()
            except BundleError as error:
                log.warning("the published models cannot be used: %s", error)
        return self._info

    def _read(self) -> None:
        self._pointer = self._seen()
        self._info = bundle_info(manifest_in_force(self._settings))

    def _seen(self) -> tuple[int, int] | None:
        try:
            status = (self._bundles / CURRENT).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino
