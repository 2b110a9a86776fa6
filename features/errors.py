"""Every error that Regulars raises on purpose.

    RegularsError
    ├── ConfigError      regulars.toml or an argument cannot be used
    ├── DataError        the orders cannot be used
    │   └── NotEnoughData    they can be read, but are too few or too short to learn from
    ├── BundleError      a published set of models is missing, damaged or does not fit
    ├── StoreError       the store of score runs cannot be used
    │   └── NoRun        nothing has been scored yet
    ├── UnknownCustomer  no customer of this id in the run
    ├── UnknownWebhook   no webhook of this id
    ├── UnknownCampaign  no campaign of this id
    ├── NotInRun         the latest run shows nothing of this name
    ├── CampaignConflict something that happened meanwhile is in the way of a campaign
    ├── CursorTooOld     the changes behind a cursor are no longer kept
    ├── KeyReused        the key of a request came with another body before
    ├── ScorerAway       the process that scores single customers cannot answer
    │   ├── ScorerBusy       it has as many as it can take
    │   └── ScorePending     a new customer's first score is not made yet
    └── Busy             another process holds the lock

Each message is for the person who can mend it: what is wrong, where, what to do.
The command line turns them into one line and an exit code, the server into
problem+json and a status; the code below those edges knows neither.
"""

from collections.abc import Sequence


class RegularsError(Exception):
    """Base of the family; `str(error)` is the whole message."""


class SeveralProblems(RegularsError):
    """An error that collects all problems of one thing and reports them together."""

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems: tuple[str, ...] = (
            (problems,) if isinstance(problems, str) else tuple(problems)
        )
        super().__init__("\n".join(self.problems))


class ConfigError(SeveralProblems):
    """The configuration or an argument cannot be used."""


class DataError(SeveralProblems):
    """The orders cannot be used."""


class NotEnoughData(DataError):
    """The orders can be read, but are too few or too short for what was asked."""


class BundleError(RegularsError):
    """A published set of models is missing, damaged or does not fit."""


class StoreError(RegularsError):
    """The store of score runs cannot be used."""


class NoRun(StoreError):
    """Nothing has been scored yet."""


class UnknownCustomer(RegularsError):
    """No customer of this id in the run."""

    def __init__(self, customer_id: str) -> None:
        self.customer_id = customer_id
        super().__init__("No customer of this id in the latest run.")


class UnknownWebhook(RegularsError):
    """No webhook of this id."""

    def __init__(self) -> None:
        super().__init__("No webhook of this id.")


class UnknownCampaign(RegularsError):
    """No campaign of this id."""

    def __init__(self) -> None:
        super().__init__("No campaign of this id.")


class NotInRun(RegularsError):
    """The latest run shows nothing of this name."""


class CampaignConflict(RegularsError):
    """Something that happened meanwhile is in the way of a campaign."""


class CursorTooOld(RegularsError):
    """The changes behind a cursor are no longer kept."""


class KeyReused(RegularsError):
    """The key of a request came with another body before."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key came with another body before.")


class Busy(RegularsError):
    """Another process holds the lock."""


class ScorerAway(RegularsError):
    """The process that scores single customers cannot answer."""


class ScorerBusy(ScorerAway):
    """It has as many as it can take."""


class ScorePending(ScorerAway):
    """A new customer's first score is not made yet."""

    def __init__(self) -> None:
        super().__init__("The customer's orders are kept; the score follows.")
