"""Erasing customers everywhere, keeping them out, and the proof of it."""

import hmac
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import ConfigError
from features.reading.ids import normal_id
from serving.errors import StoreError
from serving.privacy.export_files import clean_exports
from serving.privacy.hash_keys import PseudonymKey, make_key
from serving.privacy.store import ErasureStore, Tombstone

if TYPE_CHECKING:
    # It brings the locale data of currencies, which the server does without.
    from serving.settings import Settings

OF_REGULAR_RUNS = ("scores.parquet", "recommendations.parquet", "churn_list.*", ".run-*")
"""Files in the folder of the regular run, which the next one writes anew."""

NOT_OURS = (
    "The shop's own files and databases of orders, and copies that were handed on or backed up, "
    "are not changed: remove the customer there. Until then reading them writes the customer "
    "into store.quarantine and store.log again, never into a score run."
)


def written_id(written: str) -> str:
    """The id of a customer without the blanks around it."""
    return normal_id(written) or written


@dataclass(frozen=True, kw_only=True)
class CustomerFiles:
    """Files beside the store that hold customers and can be made anew, and the key.

    `derived` are paths with `*` where several files carry a name; `folds_addresses` says whether
    e-mail addresses are ids in them without regard to case and blanks. `pseudonym_key` is that of
    `serving.privacy.pseudonyms`, where there may be one.
    """

    key: Path
    derived: tuple[Path, ...]
    pseudonym_key: Path | None = None
    folds_addresses: bool = False

    @classmethod
    def of(cls, settings: "Settings") -> "CustomerFiles":
        """Those that the configuration names."""
        quarantine = settings.path(settings.store.quarantine)
        derived = [quarantine.with_name(f"{quarantine.stem}*{quarantine.suffix}")]
        exports = settings.path(settings.store.exports)
        derived += [exports / name for name in OF_REGULAR_RUNS]
        if settings.store.log is not None:
            log = settings.path(settings.store.log)
            derived.append(log.with_name(f"{log.name}*"))
        return cls(
            key=settings.path(settings.store.erasure_key),
            derived=tuple(derived),
            pseudonym_key=settings.path(settings.store.pseudonym_key),
            folds_addresses=settings.data.rules.email_ids == "fold",
        )

    def pseudonyms(self, customer_ids: Iterable[str]) -> set[str]:
        """What customers are called in pseudonymous exports; empty where none was made."""
        if self.pseudonym_key is None or not self.pseudonym_key.exists():
            return set()
        key = PseudonymKey.at(self.pseudonym_key)
        return {key.pseudonym(customer_id) for customer_id in customer_ids}

    def id_of(self, written: str) -> str:
        """The id of a customer as it is kept, however it was written."""
        return normal_id(written, folds_addresses=self.folds_addresses) or written


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was removed, where and when; it names nobody.

    Attributes
    ----------
    erasure_ids : keyed hashes of the ids, in the order asked for
    rows : table of the store → rows removed
    files_removed : derived files that were deleted whole; the next run makes them anew
    files_rewritten : exports → rows removed
    files_not_changed : files of the exports that hold an id and must be removed by hand
    unknown_ids : those of `erasure_ids` of whom the store knew nothing
    """

    erased_at: str
    erasure_ids: tuple[str, ...]
    rows: dict[str, int]
    files_removed: tuple[str, ...]
    files_rewritten: dict[str, int]
    files_not_changed: tuple[str, ...] = ()
    unknown_ids: tuple[str, ...] = ()
    not_changed: str = NOT_OURS

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


def erase(
    customer_ids: Sequence[str],
    store: ErasureStore,
    files: CustomerFiles,
    at: datetime,
    *,
    exports: Sequence[Path] = (),
) -> Proof:
    """Remove these customers from the store and all files that Regulars has written.

    Safe to repeat: a customer who is not there is kept out all the same.

    Parameters
    ----------
    exports : folders of exports, whose tables lose the customers' rows; every other file of
        them is searched for the ids

    Raises
    ------
    ConfigError
        When the key of earlier erasures is not at hand, or a file cannot be changed.
    StoreError
        When the store cannot be changed; nothing is proven then.
    """
    key = ErasureKey.at(files.key, store)
    customer_ids = [files.id_of(customer_id) for customer_id in customer_ids]
    digests = {customer_id: key.digest(customer_id) for customer_id in customer_ids}
    unknown = set(digests) - store.known(digests)
    try:
        removed = _remove_derived(files)
        cleaned = clean_exports(exports, {*digests, *files.pseudonyms(digests)})
    except OSError as error:
        raise ConfigError(f"A file cannot be changed: {error}.") from None
    rows = store.erase(
        {
            customer_id: Tombstone(digest=digest, key_id=key.key_id, erased_at=at)
            for customer_id, digest in digests.items()
        }
    )
    return Proof(
        erased_at=at.isoformat(),
        erasure_ids=tuple(digests.values()),
        rows=dict(rows),
        files_removed=removed,
        files_rewritten=cleaned.rewritten,
        files_not_changed=cleaned.not_changed,
        unknown_ids=tuple(
            digests[customer_id] for customer_id in digests if customer_id in unknown
        ),
    )


class Erased:
    """Tells whether a customer was erased.

    Raises
    ------
    ConfigError
        When customers were erased and the key is not at hand: they would come back.
    """

    def __init__(self, store: ErasureStore, files: CustomerFiles) -> None:
        self._store = store
        self._key = ErasureKey.at(files.key, store) if store.key_ids() else None

    def among(self, customer_ids: Iterable[str]) -> set[str]:
        """Those of `customer_ids` who were erased."""
        key = self._key
        if key is None:
            return set()
        digests = {key.digest(customer_id): customer_id for customer_id in customer_ids}
        return {digests[tombstone.digest] for tombstone in self._store.tombstones(digests)}


def who_was_erased(
    store: ErasureStore, files: CustomerFiles | None
) -> Callable[[Iterable[str]], set[str]]:
    """What tells those of some customers who were erased; nobody where no `files` are known.

    Asked while lines are being accepted: that the key is not at hand is then a `StoreError`.
    """

    def among(customer_ids: Iterable[str]) -> set[str]:
        if files is None:
            return set()
        try:
            return Erased(store, files).among(customer_ids)
        except ConfigError as error:
            raise StoreError(str(error)) from None

    return among


@dataclass(frozen=True)
class ErasureKey:
    """The secret of the hashes."""

    secret: bytes

    @property
    def key_id(self) -> str:
        """Names the key without telling it."""
        return sha256(b"regulars erasures " + self.secret).hexdigest()[:16]

    def digest(self, customer_id: str) -> str:
        """HMAC-SHA-256 of the id, in hexadecimal."""
        return hmac.new(self.secret, customer_id.encode(), sha256).hexdigest()

    @classmethod
    def at(cls, path: Path, store: ErasureStore) -> "ErasureKey":
        """The key in a file, which is made before the first erasure and never again."""
        used = store.key_ids()
        try:
            if not used:
                make_key(path)
            key = cls(bytes.fromhex(path.read_text(encoding="ascii").strip()))
        except (OSError, ValueError) as error:
            kind = type(error).__name__
            raise ConfigError(f"store.erasure_key: {path} cannot be used ({kind}).") from None
        if used - {key.key_id}:
            raise ConfigError(
                f"store.erasure_key: {path} is not the key of the customers erased so far, who "
                "would come back. Put the old key there, from a backup or the other server."
            )
        return key


def _remove_derived(files: CustomerFiles) -> tuple[str, ...]:
    removed: list[str] = []
    for pattern in files.derived:
        for path in sorted(pattern.parent.glob(pattern.name)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
            removed.append(str(path))
    return tuple(removed)
