"""Which shop models belong to: a mark made once, kept beside its bundles and written into each.

Currency and horizon tell many shops apart, but not all. Several shops may use one MLflow server:
there the mark says whose the experiment and the registered models are.
"""

import json
import secrets
from pathlib import Path

from features.locks import lock_held
from training.bundle.manifest import CURRENT, MANIFEST

FILE = "shop"
LOCK = ".shop.lock"
LOCK_TIMEOUT_SECONDS = 30


def shop_identity(bundles: Path) -> str | None:
    """The mark of the shop whose bundles lie in a folder; None where none was made yet."""
    try:
        return (bundles / FILE).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def claimed_identity(bundles: Path) -> str:
    """The mark of the shop, made where there is none: 16 hexadecimal digits.

    Without a file it is that of the models in force, which a backup brought back.

    Raises
    ------
    Busy
        When another process has been making it for half a minute.
    """
    if (kept := shop_identity(bundles)) is not None:
        return kept
    busy = f"{bundles}: another process is starting here. Wait for it to end, then try again."
    with lock_held(bundles / LOCK, busy=busy, seconds=LOCK_TIMEOUT_SECONDS):
        identity = shop_identity(bundles) or _in_force(bundles) or secrets.token_hex(8)
        unfinished = bundles / f".{FILE}.unfinished"
        unfinished.write_text(identity + "\n", encoding="utf-8")
        unfinished.replace(bundles / FILE)
    return identity


def _in_force(bundles: Path) -> str | None:
    """The mark in the manifest of what is in force; None where there is none."""
    try:
        name = (bundles / CURRENT).read_text(encoding="utf-8").strip()
        manifest = json.loads((bundles / name / MANIFEST).read_text(encoding="utf-8"))
        return str(manifest["shop"]) or None
    except (OSError, ValueError, KeyError, TypeError):
        return None
