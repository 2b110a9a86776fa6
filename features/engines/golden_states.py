"""The states of made-up orders, in words of a shop's settings."""

from datetime import timedelta
from itertools import product
from random import Random

from features.reading.judging import TypedLine
from features.reading.states import CANCELLED_COLUMN, GIVEN_BACK, RETURN, verdict_on
from features.settings.data import Data
from features.settings.rules import ValueRules

STATE_COLUMNS = {
    "status": "status",
    "status_at": "status_time",
    "document": "paper",
    "refunded": "refund",
    "refunded_at": "refund_time",
}
CANCELLED = "cancelled"
"""The column that is filled where a shop has one that says that a row is no purchase."""

_IN_NO_LIST = "golden undecided"
_PLAIN = 9
"""How many lines stand as they are for each that does not."""

Texts = dict[str, str | None]


class GoldenStates:
    """What settings may say of the state of an order.

    Parameters
    ----------
    data : from `features.engines.golden_lines.golden_data`
    """

    def __init__(self, data: Data) -> None:
        self._columns = data.columns
        self._texts = _texts_by_verdict(data)

    def in_state(self, random: Random, line: TypedLine) -> TypedLine:
        """The line, cancelled or refunded or as it was, from its own day or a later one on."""
        columns = self._columns
        plain = [None] * _PLAIN if None in self._texts else []
        verdict = random.choice([*plain, *self._texts])
        is_refundable = columns.refunded is not None
        whole = abs(line.amount or 0)
        refunded = random.choice([0, 0, 0, 100, whole]) if is_refundable else 0
        dated = is_refundable and columns.refunded_at if verdict is None else columns.status_at
        at, changed_at = line.ordered_at, None
        if dated and at is not None:
            days = random.choice([None, 0, 2, 40])
            changed_at = None if days is None else at + timedelta(days)
            if verdict == RETURN and days:
                verdict = GIVEN_BACK
        return line._replace(verdict=verdict, refunded=refunded, changed_at=changed_at)

    def texts(self, line: TypedLine) -> Texts:
        """Column → what an export would say of the state, the refund's amount apart."""
        at = None if line.changed_at is None else line.changed_at.isoformat()
        verdict = RETURN if line.verdict == GIVEN_BACK else line.verdict
        dated = STATE_COLUMNS["refunded_at" if verdict is None else "status_at"]
        times = dict.fromkeys((STATE_COLUMNS["status_at"], STATE_COLUMNS["refunded_at"]))
        return {**self._texts[verdict], **times, dated: at}


def _texts_by_verdict(data: Data) -> dict[str | None, Texts]:
    columns, rules = data.columns, data.rules
    filled = [None, "yes"] if rules.none_when_filled else [None]
    texts: dict[str | None, Texts] = {}
    for status, document, cancelled in product(
        _values(columns.status, rules.status), _values(columns.document, rules.document), filled
    ):
        verdict: str | None = CANCELLED_COLUMN
        if cancelled is None:
            verdict = verdict_on(
                status=status, document=document, stated_at=None, ordered_at=None, data=data
            )
        row = {STATE_COLUMNS["status"]: status, STATE_COLUMNS["document"]: document}
        texts.setdefault(verdict, {**row, CANCELLED: cancelled})
    return texts


def _values(column: str | None, rules: ValueRules) -> list[str | None]:
    """A value of each kind that a column may hold, a purchase first."""
    if column is None:
        return [None]
    listed = (rules.purchase, rules.none, rules.returned)
    return [*(values[0] for values in listed if values), _IN_NO_LIST]
