"""Changes the bundle in force in one step, by a publication or a rollback.

It loads no model and no training library, so that a rollback takes a second.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.locks import lock_held
from training.bundle.manifest import CURRENT, Manifest, current_bundle, read_manifest
from training.bundle.shop_identity import FILE, shop_identity
from training.errors import BundleError
from training.settings import TrainingSettings

LOCK = ".publish.lock"
LOCK_TIMEOUT_SECONDS = 30


def put_in_force(bundle: Path) -> None:
    """Point the folder of bundles to `bundle`: readers see the previous one or this one."""
    pointer = bundle.parent / f".{CURRENT}.unfinished"
    pointer.write_text(bundle.name + "\n", encoding="utf-8")
    os.replace(pointer, bundle.parent / CURRENT)  # noqa: PTH105 - the atomic step, named as such


@contextmanager
def publication_lock(bundles: Path) -> Iterator[None]:
    """Hold the right to change what is in force, which takes seconds.

    Raises
    ------
    Busy
        When another process has been holding it for half a minute.
    """
    busy = f"{bundles}: another process is publishing models. Wait for it to end, then try again."
    with lock_held(bundles / LOCK, busy=busy, seconds=LOCK_TIMEOUT_SECONDS):
        yield


def why_foreign(manifest: Manifest, settings: TrainingSettings) -> str | None:
    """Why models do not belong to the shop of `settings`; None where they do."""
    horizon_days, currency = settings.predict.horizon_days, settings.data.currency
    if manifest.horizon_days != horizon_days:
        return f"predicts {manifest.horizon_days} days, but predict.horizon_days is {horizon_days}"
    if manifest.currency != currency:
        return f"counts in {manifest.currency}, but data.currency is {currency}"
    bundles = settings.path(settings.store.bundles)
    if is_of_another_shop(manifest, bundles):
        return f"belongs to another shop than the one that {bundles / FILE} names"
    return None


def is_of_another_shop(manifest: Manifest, bundles: Path) -> bool:
    """Whether models bear the mark of another shop than the bundles of a folder."""
    shop = shop_identity(bundles)
    return bool(shop and manifest.shop and shop != manifest.shop)


def manifest_in_force(settings: TrainingSettings) -> Manifest:
    """The manifest of the models in force, which belong to the shop.

    Raises
    ------
    BundleError
        When there are none, they are damaged, or of another horizon, currency or shop.
    """
    bundle = current_bundle(settings.path(settings.store.bundles))
    manifest = read_manifest(bundle)
    if (foreign := why_foreign(manifest, settings)) is not None:
        raise BundleError(f"{bundle}: {foreign}. Run `regulars train`.")
    return manifest


def rollback(settings: TrainingSettings) -> Manifest:
    """Put the previous bundle in force again.

    Its files are checked against their hashes; their predictions were checked when they were
    published.

    Returns
    -------
    The manifest of what is in force now.

    Raises
    ------
    BundleError
        When there is no previous one, or it is damaged or of another horizon, currency or shop.
    """
    bundles = settings.path(settings.store.bundles)
    with publication_lock(bundles):
        current = current_bundle(bundles)
        previous = read_manifest(current).previous
        if previous is None or not (bundles / previous).is_dir():
            raise BundleError(
                f"{current}: no models before these are kept (store.keep_bundles says how many stay)."
            )
        manifest = read_manifest(bundles / previous)
        if (foreign := why_foreign(manifest, settings)) is not None:
            raise BundleError(f"{bundles / previous}: {foreign}. Set it back first.")
        put_in_force(bundles / previous)
    return manifest
