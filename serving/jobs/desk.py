"""Where pages ask for jobs: what there is, and what may be asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from serving.jobs.job import Job, JobKind, JobLine
from serving.jobs.order_files import Mode, OrderFiles, sent_folder
from serving.jobs.store import JobStore
from serving.jobs.timetable import Timetable
from serving.settings import Settings

LINES_SHOWN = 400
NOTHING_ACCEPTED: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class JobDesk:
    """The jobs of a shop whose server works them.

    Attributes
    ----------
    wake : tells the keeper of the worker that something has been asked for
    order_files : where files of orders go; None: the orders come from a database
    data : the folder of what is kept of the shop
    upload_bytes : of a file of orders at most
    """

    store: JobStore
    wake: Callable[[], None]
    zone: tzinfo
    order_files: OrderFiles | None
    data: Path
    upload_bytes: int

    @classmethod
    def of(cls, settings: Settings, store: JobStore, wake: Callable[[], None]) -> "JobDesk":
        """The desk of a shop."""
        return cls(
            store=store,
            wake=wake,
            zone=ZoneInfo(settings.data.timezone),
            order_files=OrderFiles.of(settings),
            data=settings.path(settings.store.bundles).parent,
            upload_bytes=settings.serve.upload_bytes,
        )

    def sent_folder(self) -> Path:
        """Where files lie that were sent."""
        return sent_folder(self.data)

    def run_now(
        self, *, train: bool, by: str, at: datetime, accepted: Mapping[str, str] = NOTHING_ACCEPTED
    ) -> Job:
        """Ask for a regular run; one that waits already and does the same is that one.

        Parameters
        ----------
        train : train even if no training is due
        accepted : gates that are opened for this run, with the reason
        """
        arguments: dict[str, Any] = {"train": True} if train else {}
        if accepted:
            arguments["accepted"] = dict(accepted)
        for job in self.store.unfinished():
            if job.kind == "run" and job.state == "waiting" and arguments in ({}, job.arguments):
                return job
        return self._add("run", arguments, by, at)

    def take_in(self, file: Path, mode: Mode, *, by: str, at: datetime) -> Job:
        """Ask for a file of orders to be checked and put in place, and for a run after it."""
        return self._add("take_in", {"file": str(file.absolute()), "mode": mode}, by, at)

    def cancel(self, job_id: str, *, at: datetime) -> Job:
        """Ask for the end of a job; raises `UnknownJob`."""
        return self.store.cancel(job_id, at)

    def set_timetable(self, timetable: Timetable, *, at: datetime) -> None:
        """Make the regular run by itself from now on, or no more."""
        self.store.set_timetable(timetable, at)
        self.wake()

    def lines(self, job: Job) -> list[JobLine]:
        """The end of a job's log."""
        return self.store.lines(job, limit=LINES_SHOWN)

    def _add(self, kind: JobKind, arguments: dict[str, Any], by: str, at: datetime) -> Job:
        job = self.store.add(kind, arguments, by=by, at=at)
        self.wake()
        return job
