"""The columns of a file that describe contracts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ProposedContracts:
    """The columns that describe contracts, and how long a period is.

    `date_format` is how the days are written, where it is not as in the orders.
    """

    cancelled_on: str
    started_on: str | None
    term_months: str | None
    date_format: str | None
    contract_days: int
    comment: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the file that are read."""
        named = (self.cancelled_on, self.started_on, self.term_months)
        return tuple(column for column in named if column)
