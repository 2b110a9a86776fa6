"""Files of orders that people send: what they may be called, and where they go."""

import fnmatch
import glob
import os
import re
import shutil
import unicodedata
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Literal

from features.errors import DataError
from features.language.message import mark
from features.settings.data import POSTGRES
from features.vocabulary.endings import READABLE_ENDINGS
from serving.jobs.job import Job
from serving.settings import Settings

Mode = Literal["add", "replace"]
MOST_NAME_SIGNS = 50
"""Of four bytes each, and with what is put before them, they are a name that disks take."""
LOOK_MARK = ".look-"
"""What the name of an empty file begins with that says for which look a folder was filled."""
MOST_MEMBERS = 200
"""Of a .zip."""
BLOCK_BYTES = 1 << 20
SENT = "uploads"
"""The folder of files that were sent and are not in place yet, beside the bundles."""
OTHER_KIND = mark(
    "Orders come as CSV (.csv, .tsv, .txt), Excel (.xlsx, .xls, .ods), Parquet (.parquet) or a .zip "
    "of these. Export or save the file as one of them."
)
TAKING_IN = "taking-in-"
"""What the names of folders begin with in which files are checked."""
ABANDONED = timedelta(days=1)
_ENDINGS = tuple(sorted(READABLE_ENDINGS, key=len, reverse=True))


@dataclass(frozen=True)
class OrderFiles:
    """Where the files of a shop's orders are.

    Attributes
    ----------
    pattern : `data.transactions`, a file or a glob, counted from `root`
    """

    root: Path
    pattern: str

    @classmethod
    def of(cls, settings: Settings) -> "OrderFiles | None":
        """Of a shop whose orders are files; None: they come from a database."""
        pattern = settings.data.transactions
        return None if pattern.startswith(POSTGRES) else cls(settings.root, pattern)

    @property
    def takes_several(self) -> bool:
        """Whether a file can be added beside the others."""
        return glob.has_magic(self.pattern) and not (self.root / self.pattern).is_file()

    @property
    def folder(self) -> Path:
        """Where a new file goes."""
        return (self.root / self.pattern).parent

    @property
    def can_take(self) -> bool:
        """Whether the folder of new files is one, and not a pattern of folders."""
        return not glob.has_magic(str(Path(self.pattern).parent))

    def files(self) -> list[Path]:
        """Those that are there."""
        if not self.takes_several:
            file = self.root / self.pattern
            return [file] if file.is_file() else []
        return sorted(path for path in self.folder.glob(Path(self.pattern).name) if path.is_file())

    def name_for(self, name: str) -> str:
        """The name by which a file of that name is read: its ending as the pattern writes it."""
        if not self.takes_several:
            return Path(self.pattern).name
        ending = ending_of(name) or ""
        is_like = ending and self.pattern.lower().endswith(ending)
        return name[: -len(ending)] + self.pattern[-len(ending) :] if is_like else name

    def why_not(self, name: str) -> str | None:
        """What names a file of this name is unlike, so that it cannot be one; None where it can."""
        if self.takes_several:
            like = Path(self.pattern).name
            fits = fnmatch.fnmatchcase(self.name_for(name), like)
        else:
            like = f"*{ending_of(self.pattern) or Path(self.pattern).suffix}"
            fits = name.lower().endswith(like[1:].lower())
        return None if fits else like


def ending_of(name: str) -> str | None:
    """The ending by which a file can be read, such as `.csv.gz`; None: it cannot."""
    return next((ending for ending in _ENDINGS if name.lower().endswith(ending)), None)


def safe_name(name: str) -> str:
    """A name under which a file can be kept: no folder, no sign that a system gives a meaning.

    Raises
    ------
    DataError
        When its ending is none of a file that can be read.
    """
    plain = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2]).strip()
    ending = ending_of(plain)
    if ending is None:
        raise DataError(OTHER_KIND)
    stem = re.sub(r"[^\w.-]+", "_", plain[: -len(ending)]).strip("._-") or "orders"
    return stem[:MOST_NAME_SIGNS] + ending


def unpacked(file: Path, folder: Path, *, most_bytes: int) -> list[Path]:
    """The readable files of a .zip, unpacked into `folder`; of another file, itself.

    Names of folders inside are left out, so that nothing is written anywhere else.

    Raises
    ------
    DataError
        When it cannot be unpacked, holds nothing to read, or becomes larger than `most_bytes`.
    """
    if file.suffix.lower() != ".zip":
        return [file]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(file) as archive:
            members = _readable(archive)
            left = most_bytes
            files = []
            for member in members:
                target = _free_name(folder, safe_name(member.filename))
                left -= _unpack(archive, member, target, left)
                files.append(target)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise DataError(f"{file.name}: cannot be unpacked ({error}). Pack it again.") from None
    return files


def _readable(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir()
        and not any(
            part.startswith((".", "__MACOSX")) for part in PurePosixPath(member.filename).parts
        )
        and (ending := ending_of(member.filename)) is not None
        and not ending.endswith(".zip")
    ]
    if not members:
        raise DataError(
            "The .zip holds no file of orders: CSV, Excel or Parquet. Send one that does."
        )
    if len(members) > MOST_MEMBERS:
        raise DataError(
            f"The .zip holds {len(members):,} files; at most {MOST_MEMBERS} are read at once."
        )
    return members


def _unpack(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, most_bytes: int
) -> int:
    """Write a member; returns its bytes. They are counted: what a .zip says of itself may be wrong."""
    written = 0
    with archive.open(member) as packed, target.open("wb") as file:
        while block := packed.read(BLOCK_BYTES):
            written += len(block)
            if written > most_bytes:
                raise DataError(
                    "The .zip becomes larger than is accepted when it is unpacked "
                    "(serve.upload_bytes). Send the files one by one."
                )
            file.write(block)
    return written


def _free_name(folder: Path, name: str) -> Path:
    ending = ending_of(name) or ""
    stem, number = name[: len(name) - len(ending)], 2
    target = folder / name
    while target.exists():
        target = folder / f"{stem}-{number}{ending}"
        number += 1
    return target


def sent_name(file: Path) -> str:
    """What a file was called when it was sent: before it stands what tells uploads apart."""
    return file.name.partition("~")[2] or file.name


def link_or_copy(file: Path, target: Path) -> Path:
    """`target` with what `file` holds, without a copy where the disk allows it."""
    try:
        os.link(file, target)
    except OSError:
        shutil.copy2(file, target)
    return target


def sent_folder(data: Path) -> Path:
    """Where files lie that were sent; made where it is missing."""
    folder = data / SENT
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def clean_sent(data: Path, unfinished: Iterable[Job], at: datetime) -> None:
    """Remove what was sent and belongs to no job that waits or runs."""
    waiting = list(unfinished)
    of_jobs = {f"{TAKING_IN}{job.job_id}" for job in waiting}
    files = {job.arguments.get("file") for job in waiting}
    for folder in data.glob(f"{TAKING_IN}*"):
        if folder.name not in of_jobs:
            shutil.rmtree(folder, ignore_errors=True)
    for file in (data / SENT).glob("*~*"):
        is_old = file.stat().st_mtime < (at - ABANDONED).timestamp()
        if is_old and str(file.absolute()) not in files:
            file.unlink(missing_ok=True)


def room_left(folder: Path) -> int:
    """Bytes that the disk of a folder still takes."""
    return shutil.disk_usage(folder).free
