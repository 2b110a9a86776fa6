"""Who is chosen: what a contact of each customer earns, and the highest of it.

Customers are rows of columns: an object for each of 100,000 would cost more than the rest. Only
figures near the edge are rounded: rounding moves one by half a unit of the last digit at most.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest

from serving.campaigns.store import ListedCandidates


@dataclass(frozen=True, kw_only=True)
class ContactProfit:
    """What a contact is expected to earn in the campaign's days, in money.

    Attributes
    ----------
    saved_share : of the value at risk, what a contact saves of it as profit
    cost : of a contact
    digits : of the currency after the point
    modelled : whether the expected profit of the run, a model's, goes before the value at risk
    modelled_cost, modelled_margin : cost and margin that the run's expected profits rest on
    scale : days of the campaign ÷ those of the run
    margin_share : net profit ÷ revenue, as the campaign assumes it
    """

    saved_share: float
    cost: float
    digits: int
    modelled: bool
    modelled_cost: float
    modelled_margin: float
    scale: float
    margin_share: float

    def unrounded(self, listed: ListedCandidates) -> list[float]:
        """The profit of each candidate, before rounding."""
        share, cost = self.saved_share, self.cost
        if not self.modelled:
            return [share * (at_risk or 0.0) - cost for at_risk in listed.value_at_risk]
        return [
            (share * (at_risk or 0.0) if expected is None else self._of_model(expected)) - cost
            for at_risk, expected in zip(listed.value_at_risk, listed.expected_profit, strict=True)
        ]

    def _of_model(self, expected: float) -> float:
        revenue = expected + self.modelled_cost
        return revenue / self.modelled_margin * self.scale * self.margin_share

    def rounded(self, unrounded: float) -> float:
        """As figures of the currency are."""
        return round(unrounded, self.digits)

    def above_zero(self, unrounded: Sequence[float], rows: Iterable[int]) -> list[int]:
        """Those of `rows` where the rounded profit is above 0."""
        unit = self._unit
        return [
            row
            for row in rows
            if (profit := unrounded[row]) > unit or (profit > 0 and self.rounded(profit) > 0)
        ]

    def highest(
        self, unrounded: Sequence[float], rows: Sequence[int], ids: Sequence[str], size: int
    ) -> list[int]:
        """Those of `rows` with the `size` highest rounded profits; of equal ones those whose ids
        come first.
        """
        least = nlargest(size, (unrounded[row] for row in rows))[-1] - 2 * self._unit
        near = [row for row in rows if unrounded[row] >= least]
        near.sort(key=lambda row: (-self.rounded(unrounded[row]), ids[row]))
        return near[:size]

    @property
    def _unit(self) -> float:
        """Of the last digit."""
        return float(10.0**-self.digits)
