"""How customers can be reached, read when a file needs it, by the server in a process beside it."""

import json
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import DataError
from features.tables.reached import ContactDetails

if TYPE_CHECKING:
    # It brings the locale data of currencies, which the server does without.
    from serving.settings import Settings

SECONDS = 300
"""How long the table may take to be read."""


@dataclass(frozen=True, kw_only=True)
class AddressBook:
    """What the shop's table of customers says, read anew each time.

    Attributes
    ----------
    keeps_consent : whether it says who may be contacted
    calling_code : of numbers that are written without one; None: they stand for nobody
    read : the details of some customers; who is not in the table is not in the answer
    """

    keeps_consent: bool
    calling_code: str | None
    read: Callable[[Collection[str]], Mapping[str, ContactDetails]]

    @classmethod
    def of(cls, settings: "Settings", *, beside: Path | None = None) -> "AddressBook":
        """That of a shop; `beside`: its settings file, to read in a process of its own."""
        table = settings.data.customers
        return cls(
            keeps_consent=table is not None and table.consent is not None,
            calling_code=None if table is None else table.calling_code,
            read=partial(_read_here, settings)
            if beside is None or table is None
            else partial(_read_beside, beside.absolute()),
        )


NO_BOOK = AddressBook(keeps_consent=False, calling_code=None, read=lambda _: {})
"""Of a server without settings of a shop."""


def _read_here(settings: "Settings", customer_ids: Collection[str]) -> Mapping[str, ContactDetails]:
    from features.tables.contact_details import contact_details

    if settings.data.customers is None:
        return {}
    return contact_details(settings, customer_ids)


def _read_beside(config: Path, customer_ids: Collection[str]) -> Mapping[str, ContactDetails]:
    """The same from `python -m serving.contacts`: what it takes in memory is given back."""
    answer = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "serving.contacts", str(config)],
        input=json.dumps(list(customer_ids)),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if answer.returncode:
        lines = answer.stderr.strip().splitlines() or ["no message"]
        raise DataError(lines[-1])
    return {
        customer_id: ContactDetails(**values)
        for customer_id, values in json.loads(answer.stdout).items()
    }
