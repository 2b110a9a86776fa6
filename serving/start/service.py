"""Setting a shop up: looks at its orders, and its settings once they are understood."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import tomlkit

from features.errors import ConfigError
from features.settings.data import POSTGRES
from serving.jobs.job import Job
from serving.jobs.order_files import LOOK_MARK, sent_folder
from serving.jobs.place import WorkPlace
from serving.jobs.store import JobStore
from serving.start.answers_form import corrected
from serving.web.call import LOCAL


@dataclass(frozen=True)
class ShopStart:
    """A shop that has no settings yet.

    Attributes
    ----------
    place : where it will be
    store : of its jobs
    wake : tells the keeper of the worker that something has been asked for
    """

    place: WorkPlace
    store: JobStore
    wake: Callable[[], None]

    def sent_folder(self) -> Path:
        """Where files lie that were sent."""
        return sent_folder(self.place.data)

    def latest_look(self) -> Job | None:
        """The look at the orders that the page is about; None before the first."""
        return next((job for job in self.store.jobs(20) if job.kind == "look"), None)

    def look_at_file(self, file: Path, at: datetime) -> Job:
        """Ask for a look at a file that was sent."""
        return self._look({"file": str(file.absolute())}, at)

    def look_at_database(self, address: str, table: str, query: str, at: datetime) -> Job:
        """Ask for a look at orders in PostgreSQL: a table or a query."""
        return self._look({"location": address, "table": table, "query": query}, at)

    def look_again(self, look: Job, sent: Mapping[str, str], at: datetime) -> Job:
        """Ask for another look, with what a person has corrected.

        Raises
        ------
        ConfigError
            When an answer cannot be one.
        """
        return self._look(corrected(look.arguments, look.outcome, sent), at)

    def cancel(self, at: datetime) -> None:
        """End the look that goes on, if there is one."""
        look = self.latest_look()
        if look is not None and look.is_unfinished:
            self.store.cancel(look.job_id, at)

    def settle(self, look: Job, accepted: Mapping[str, str], at: datetime) -> Job:
        """Write the settings that a look has led to, and ask for the first run.

        Returns
        -------
        The job of the run.

        Raises
        ------
        ConfigError
            When something must be settled before.
        """
        if unsettled := blocking(look, accepted):
            raise ConfigError(unsettled)
        self._write(_with_accepted(look.outcome["toml"], accepted))
        self._clear(look)
        job = self.store.add("run", {}, by=LOCAL, at=at)
        self.wake()
        return job

    def _look(self, arguments: dict[str, Any], at: datetime) -> Job:
        self.cancel(at)
        job = self.store.add("look", arguments, by=LOCAL, at=at)
        self.wake()
        return job

    def _write(self, text: str) -> None:
        """Write the settings as a whole; those that somebody else has written stay."""
        config = self.place.config
        unfinished = config.with_name(f".{config.name}.unfinished")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        try:
            os.link(unfinished, config)
        except FileExistsError:
            raise ConfigError(f"{config.name} has been written meanwhile.") from None
        finally:
            unfinished.unlink()

    def _clear(self, look: Job) -> None:
        """Remove files of other looks, and what looks have shown of customers."""
        root = self.place.config.absolute().parent
        looks = (job for job in self.store.jobs(200) if job.kind == "look")
        locations = {str(job.outcome.get("location", "")) for job in looks}
        for location in locations - {look.outcome["location"], ""}:
            if not location.startswith(POSTGRES):
                shutil.rmtree((root / location).parent, ignore_errors=True)
        for mark in (root / look.outcome["location"]).parent.glob(f"{LOOK_MARK}*"):
            mark.unlink()
        self.store.forget("look")


def blocking(look: Job, accepted: Mapping[str, str]) -> list[str]:
    """What keeps orders from being used, beside the findings that are accepted."""
    report = look.outcome.get("report")
    if look.state != "done" or report is None:
        return ["The orders are not understood yet."]
    return [
        finding["meaning"]
        for finding in report["findings"]
        if finding["severity"] == "refuses"
        and not (finding["can_be_accepted"] and accepted.get(finding["code"]))
    ]


def _with_accepted(toml: str, accepted: Mapping[str, str]) -> str:
    if not accepted:
        return toml
    document = tomlkit.parse(toml)
    data = document["data"]
    table = tomlkit.table()
    table.update(dict(accepted))
    data["accept"] = table
    return tomlkit.dumps(document)
