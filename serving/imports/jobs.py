"""Where imports are kept: their lines, and how far each has come, as files of a folder.

What is acknowledged is on disk. A state is replaced as a whole, so that a reader, and a server
that was killed, sees the one before or the new one.
"""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from features.errors import Busy
from serving.errors import NoRoomForImport, UnknownImport
from serving.imports.schemas import ImportJob

MOST_UNFINISHED = 20
"""Imports that wait or run; more are refused."""
STATE_KEPT = timedelta(days=7)
"""How long the state of a finished import is told."""
ABANDONED = timedelta(hours=1)
"""After which a file that never came whole is removed."""
_ID = re.compile("imp_[0-9a-f]{24}")


@dataclass(frozen=True)
class ImportFolder:
    """The imports of a shop, in a folder that need not be there yet."""

    path: Path

    def new_part(self) -> tuple[str, BinaryIO]:
        """An id, and a file that takes the lines as they come.

        Raises
        ------
        Busy
            When too many imports are unfinished.
        NoRoomForImport
            When the folder cannot be written.
        """
        if len(self.unfinished()) >= MOST_UNFINISHED:
            raise Busy("As many imports wait already as may.")
        import_id = f"imp_{secrets.token_hex(12)}"
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            return import_id, self._part(import_id).open("xb")
        except OSError as error:
            raise NoRoomForImport(f"{type(error).__name__}: {error.strerror}") from None

    def begin(self, job: ImportJob, part: BinaryIO) -> None:
        """Let an import begin whose lines have come whole; it is durable when this returns."""
        try:
            part.flush()
            os.fsync(part.fileno())
            part.close()
            # lines first: whoever takes imports in finds them by their lines
            self._part(job.import_id).replace(self.lines_of(job.import_id))
            self.save(job)
        except OSError as error:
            raise NoRoomForImport(f"{type(error).__name__}: {error.strerror}") from None

    def give_up(self, import_id: str, part: BinaryIO) -> None:
        """Remove what has come of an import that is not to begin."""
        with suppress(OSError):
            part.close()
        self._part(import_id).unlink(missing_ok=True)
        self.lines_of(import_id).unlink(missing_ok=True)

    def save(self, job: ImportJob) -> None:
        """Replace the state of an import; it is durable when this returns."""
        unfinished = self.path / f".{job.import_id}.unfinished"
        with unfinished.open("wb") as file:
            file.write(job.model_dump_json().encode())
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._state(job.import_id))
        self._sync()

    def finish(self, job: ImportJob) -> None:
        """Save the last state of an import and remove its lines: they name customers."""
        self.save(job)
        self.lines_of(job.import_id).unlink(missing_ok=True)

    def job(self, import_id: str) -> ImportJob:
        """How far an import has come; raises `UnknownImport`."""
        job = self._read(import_id) if _ID.fullmatch(import_id) else None
        if job is None:
            raise UnknownImport("No import has this id.")
        return job

    def jobs(self) -> list[ImportJob]:
        """Every import that is kept, the latest first."""
        return sorted(self._told("json"), key=lambda job: job.created_at, reverse=True)

    def unfinished(self) -> list[ImportJob]:
        """Those that wait or run, the oldest first."""
        waiting = (job for job in self._told("ndjson") if job.finished_at is None)
        return sorted(waiting, key=lambda job: job.created_at)

    def lines_of(self, import_id: str) -> Path:
        """The file of an import's lines."""
        return self.path / f"{import_id}.ndjson"

    def clean(self, at: datetime) -> None:
        """Remove states that have been told long enough, and lines that nobody takes in."""
        for job in self.jobs():
            if job.finished_at is None:
                continue
            self.lines_of(job.import_id).unlink(missing_ok=True)
            if job.finished_at < at - STATE_KEPT:
                self._state(job.import_id).unlink(missing_ok=True)
        lines_alone = (path for path in self._named("ndjson") if self._read(path.stem) is None)
        for path in (*self._named("part"), *lines_alone):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < (at - ABANDONED).timestamp():
                    path.unlink()

    def _named(self, ending: str) -> Iterator[Path]:
        return self.path.glob(f"imp_*.{ending}")

    def _told(self, ending: str) -> Iterator[ImportJob]:
        """The states of imports that have a file with this ending."""
        jobs = (self._read(path.stem) for path in self._named(ending))
        return (job for job in jobs if job is not None)

    def _read(self, import_id: str) -> ImportJob | None:
        try:
            return ImportJob.model_validate_json(self._state(import_id).read_bytes())
        except FileNotFoundError:
            return None

    def _state(self, import_id: str) -> Path:
        return self.path / f"{import_id}.json"

    def _part(self, import_id: str) -> Path:
        return self.path / f"{import_id}.part"

    def _sync(self) -> None:
        """Let the names of files be durable, too."""
        folder = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
