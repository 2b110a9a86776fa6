"""The base of every error that Regulars raises on purpose, and the errors of `features`.

    RegularsError
    ├── ConfigError      regulars.toml or an argument cannot be used
    ├── DataError        the orders cannot be used
    │   ├── MisreadOrders    they are plainly misread; a shop may say why it goes on
    │   └── NotEnoughData    they can be read, but are too few or too short to learn from
    ├── StoppedByGate    what would be published is not, until somebody says why it should be
    │   └── OddRun           it differs from the run before more than a shop does in a while
    ├── Busy             another process holds the lock
    ├── …                `training.errors`: published models, MLflow
    └── …                `serving.errors`: the store, campaigns, changes, the scorer

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


class MisreadOrders(DataError):
    """The orders are plainly misread: a gate stopped them that nobody has accepted."""


class NotEnoughData(DataError):
    """The orders can be read, but are too few or too short for what was asked."""


class StoppedByGate(SeveralProblems):
    """What would be published is not, until somebody says why it should be."""


class OddRun(StoppedByGate):
    """A run differs from the one before more than a shop does in a while."""


class Busy(RegularsError):
    """Another process holds the lock."""
