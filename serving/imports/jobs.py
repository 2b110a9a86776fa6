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
KEPT = timedelta(days=7)
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
        if sum(1 for _ in self.unfinished()) >= MOST_UNFINISHED:
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
            self.save(job)
            self._part(job.import_id).replace(self.lines_of(job.import_id))
            self._sync()
        except OSError as error:
            raise NoRoomForImport(f"{type(error).__name__}: {error.strerror}") from None

    def give_up(self, import_id: str, part: BinaryIO) -> None:
        """Remove what has come of an import that is not to begin."""
        with suppress(OSError):
            part.close()
        self._part(import_id).unlink(missing_ok=True)

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
        state = self._state(import_id) if _ID.fullmatch(import_id) else None
        if state is None or not state.is_file():
            raise UnknownImport("No import has this id.")
        return ImportJob.model_validate_json(state.read_bytes())

    def jobs(self) -> list[ImportJob]:
        """Every import that is kept, the latest first."""
        found = (ImportJob.model_validate_json(path.read_bytes()) for path in self._states())
        return sorted(found, key=lambda job: job.created_at, reverse=True)

    def unfinished(self) -> Iterator[ImportJob]:
        """Those that wait or run, the oldest first."""
        for job in reversed(self.jobs()):
            if job.status in {"waiting", "running"}:
                yield job

    def lines_of(self, import_id: str) -> Path:
        """The file of an import's lines."""
        return self.path / f"{import_id}.ndjson"

    def clean(self, at: datetime) -> None:
        """Remove states that have been told long enough, and files that never came whole."""
        for job in self.jobs():
            if job.finished_at is not None and job.finished_at < at - KEPT:
                self._state(job.import_id).unlink(missing_ok=True)
        for part in self.path.glob("imp_*.part"):
            with suppress(FileNotFoundError):
                if part.stat().st_mtime < (at - ABANDONED).timestamp():
                    part.unlink()

    def _states(self) -> Iterator[Path]:
        return self.path.glob("imp_*.json")

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
