"""Copies of what cannot be computed again: store, published models, settings, erasures' key.

Where it is asked for, MLflow's trainings as well.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from features.errors import ConfigError
from serving.errors import StoreError
from serving.live import CONTEXT
from serving.settings import Settings
from serving.store.tables import invitations, sessions
from training.bundle.in_force import publication_lock, put_in_force, why_foreign
from training.bundle.manifest import CURRENT, check_whole, read_manifest, sha256_of
from training.errors import BundleError
from training.tracking.database import database_file

CONTENTS = "backup.json"
STORE = "store.db"
SETTINGS = "regulars.toml"
BUNDLES = "bundles"
TRAININGS = "mlruns"
TRACKING = f"{TRAININGS}/mlflow.db"
ARTIFACTS = f"{TRAININGS}/artifacts"
ERASURE_KEY = "erasure.key"
FORMAT = 1
WITHOUT_WAYS_IN = f"--exclude-table-data={sessions.name} --exclude-table-data={invitations.name}"
"""For `pg_dump`: a copy must not open what has ended since."""


@dataclass(frozen=True)
class Contents:
    """What a backup holds: files → sha256 in hexadecimal; `bundle` is the one in force."""

    made_at: str
    files: dict[str, str]
    bundle: str | None
    format: int = FORMAT


def back_up(
    settings: Settings, config: Path, folder: Path, at: datetime, *, trainings: bool = False
) -> Contents:
    """Copy the store, the bundles and `config` into the new `folder`.

    Servers and score runs may go on meanwhile: the copy of the store is of one moment. The
    list of contents is written last, so that half a backup is none.

    Parameters
    ----------
    trainings : MLflow's database and artifacts, too

    Raises
    ------
    ConfigError
        When the store is not a file of SQLite, `folder` holds something, or MLflow's database
        is asked for and is no file of SQLite.
    """
    tracked = _tracking_file(settings) if trainings else None
    store = _store_file(
        settings, f"pg_dump --format=custom {WITHOUT_WAYS_IN} --file={folder}/store.dump"
    )
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder}: holds something already. Name a new folder.")
    folder.mkdir(parents=True, exist_ok=True)
    _copy_store(store, folder / STORE)
    _without_ways_in(folder / STORE)
    _in_one_file(folder / STORE)
    shutil.copyfile(config, folder / SETTINGS)
    bundle = _copy_bundles(settings.path(settings.store.bundles), folder / BUNDLES)
    # without its key the store no longer knows who was erased
    _copy_if_there(settings.path(settings.store.erasure_key), folder / ERASURE_KEY)
    _copy_if_there(settings.path(settings.store.bundles) / CONTEXT, folder / CONTEXT)
    if tracked is not None:
        _copy_trainings(settings, tracked, folder / TRAININGS)
    files = _hashes(folder)
    contents = Contents(at.isoformat(), files, bundle)
    text = json.dumps(asdict(contents), indent=1)
    (folder / CONTENTS).write_text(text, encoding="utf-8")
    return contents


def restore(settings: Settings, folder: Path, *, replace: bool) -> Contents:
    """Put the store and the bundles of a backup where `settings` says they belong.

    Everything is checked before anything is touched. A running server reads the old store
    or the new one whole.

    Raises
    ------
    ConfigError
        When `folder` is no whole backup or of another shop, or there is a store already and
        `replace` is false.
    """
    contents = read_contents(folder)
    if contents.bundle is not None:
        manifest = read_manifest(folder / BUNDLES / contents.bundle)
        if (foreign := why_foreign(manifest, settings)) is not None:
            raise ConfigError(f"{folder}: of another shop: its set of models {foreign}.")
    store = _store_file(settings, f"pg_restore --clean --dbname=... {folder}/store.dump")
    if store.exists() and not replace:
        raise ConfigError(f"{store}: is there already. --replace puts the backup in its place.")
    tracked = _tracking_file(settings) if (folder / TRACKING).exists() else None
    if tracked is not None and tracked.exists() and not replace:
        raise ConfigError(f"{tracked}: is there already. --replace puts the backup in its place.")
    store.parent.mkdir(parents=True, exist_ok=True)
    bundles = settings.path(settings.store.bundles)
    bundles.mkdir(parents=True, exist_ok=True)
    with publication_lock(bundles):
        for bundle in _folders(folder / BUNDLES):
            if not (bundles / bundle.name).exists():
                shutil.copytree(bundle, bundles / f".{bundle.name}.unfinished", dirs_exist_ok=True)
                (bundles / f".{bundle.name}.unfinished").rename(bundles / bundle.name)
        _copy_store(folder / STORE, store)
        _without_ways_in(store)
        _copy_if_there(folder / ERASURE_KEY, settings.path(settings.store.erasure_key))
        _copy_if_there(folder / CONTEXT, bundles / CONTEXT)
        if contents.bundle is not None:
            put_in_force(bundles / contents.bundle)
    if tracked is not None:
        artifacts = settings.path(settings.tracking.artifacts)
        shutil.copytree(folder / ARTIFACTS, artifacts, dirs_exist_ok=True)
        tracked.parent.mkdir(parents=True, exist_ok=True)
        _copy_database(folder / TRACKING, tracked)
    return contents


def read_contents(folder: Path) -> Contents:
    """What the backup in `folder` holds, each file checked against its hash.

    Raises
    ------
    ConfigError
        When it is no backup, is not whole, or was made by a newer release.
    """
    try:
        values = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
        contents = Contents(**values)
    except (OSError, ValueError, TypeError):
        raise ConfigError(f"{folder}: is no whole backup: {CONTENTS} cannot be read.") from None
    if contents.format != FORMAT:
        raise ConfigError(f"{folder}: was made by another release of Regulars.")
    if links := sorted(path.name for path in folder.rglob("*") if path.is_symlink()):
        raise ConfigError(f"{folder}: holds links, which are not followed: {', '.join(links)}.")
    hashes = _hashes(folder)
    if wrong := sorted({name for name, _ in contents.files.items() ^ hashes.items()}):
        raise ConfigError(f"{folder}: is not as it was made: {', '.join(wrong)}.")
    _check_store(folder / STORE)
    _check_bundles(folder / BUNDLES, contents.bundle)
    return contents


def _check_store(store: Path) -> None:
    """Refuse a database that is damaged or none of ours."""
    try:
        with closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True)) as opened:
            (state,) = opened.execute("PRAGMA quick_check").fetchone()
            tables = {name for (name,) in opened.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error as error:
        raise ConfigError(f"{store}: is no database ({error}).") from None
    if state != "ok" or not {"runs", "alembic_version"} <= tables:
        raise ConfigError(f"{store}: is no whole store of Regulars.")


def _check_bundles(bundles: Path, in_force: str | None) -> None:
    """Refuse bundles that are not whole, or one in force that is not among them."""
    names = set()
    for bundle in _folders(bundles) if bundles.is_dir() else ():
        try:
            check_whole(bundle)
        except BundleError as error:
            raise ConfigError(str(error)) from None
        names.add(bundle.name)
    if in_force is not None and in_force not in names:
        raise ConfigError(f"{bundles}: the models in force are not among them.")


def _store_file(settings: Settings, command: str) -> Path:
    address = make_url(settings.database_url(settings.store.url))
    if address.get_backend_name() != "sqlite":
        raise ConfigError(
            f"store.url: a {address.get_backend_name()} database has tools of its own: `{command}`."
        )
    return Path(str(address.database))


def _tracking_file(settings: Settings) -> Path:
    """The file of MLflow's database, which is one of SQLite."""
    file = database_file(settings.database_url(settings.tracking.uri))
    if file is None:
        raise ConfigError("tracking.uri: MLflow's database is a server's and has tools of its own.")
    return file


def _copy_trainings(settings: Settings, tracked: Path, target: Path) -> None:
    """Copy MLflow's database, then the artifacts, of which it names no later ones."""
    if not tracked.exists():
        raise ConfigError(f"{tracked}: there are no trainings yet.")
    target.mkdir()
    _copy_database(tracked, target.parent / TRACKING)
    _in_one_file(target.parent / TRACKING)
    hidden = shutil.ignore_patterns(".*")
    artifacts = settings.path(settings.tracking.artifacts)
    shutil.copytree(artifacts, target.parent / ARTIFACTS, ignore=hidden)


def _copy_store(source: Path, target: Path) -> None:
    if not source.exists():
        raise ConfigError(f"{source}: there is no store yet.")
    _copy_database(source, target)


def _without_ways_in(store: Path) -> None:
    """Remove sessions and links that let somebody in: a copy must not open what has ended since."""
    with closing(sqlite3.connect(store)) as connection, connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        for table in sorted({sessions.name, invitations.name} & tables):
            connection.execute(f"DELETE FROM {table}")


def _copy_database(source: Path, target: Path) -> None:
    """An online copy of a database of SQLite, of one moment."""
    try:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)
    except sqlite3.Error as error:
        raise StoreError(f"{source}: the database cannot be copied: {error}.") from error


def _copy_if_there(source: Path, target: Path) -> None:
    """Replace `target` as a whole, with the rights of `source`; nothing where there is none."""
    if not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.unfinished")
    shutil.copy(source, unfinished)
    unfinished.replace(target)


def _in_one_file(store: Path) -> None:
    """Leave nothing of a database beside its file, whose hash is to stay."""
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")


def _copy_bundles(bundles: Path, target: Path) -> str | None:
    """Copy published bundles; returns the name of the one in force, None without any."""
    target.mkdir()
    if not (bundles / CURRENT).exists():
        return None
    with publication_lock(bundles):
        for bundle in _folders(bundles):
            shutil.copytree(bundle, target / bundle.name)
        return (bundles / CURRENT).read_text(encoding="utf-8").strip()


def _folders(bundles: Path) -> Iterator[Path]:
    """The complete bundles of a folder; those that are being written begin with a dot."""
    folders = sorted(bundles.iterdir())
    return (folder for folder in folders if folder.is_dir() and not folder.name.startswith("."))


def _hashes(folder: Path) -> dict[str, str]:
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    names = {file.relative_to(folder).as_posix(): str(sha256_of(file)) for file in files}
    names.pop(CONTENTS, None)
    return names
