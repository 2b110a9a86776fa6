"""What follows from a loss rate; plain arithmetic, which pages use too."""

from dataclasses import dataclass, replace

ONE_POINT = 0.01


@dataclass(frozen=True)
class LossArithmetic:
    """What follows from a loss rate: lifetime, replacement and worth.

    Attributes
    ----------
    loss : share of the customers lost in a period, 0 < loss ≤ 1
    customers : at the beginning of the period
    margin : what a customer brings in a period, in money
    rate : of discount for a period
    """

    loss: float
    customers: int
    margin: float
    rate: float

    @property
    def lifetime(self) -> float:
        """Mean lifetime in periods: 1 ÷ loss.

        >>> LossArithmetic(0.2, 100, 0.0, 0.0).lifetime
        5.0
        """
        return 1 / self.loss

    @property
    def to_replace(self) -> float:
        """Customers lost in a period: as many must be won to stand still.

        >>> LossArithmetic(0.2, 100, 0.0, 0.0).to_replace
        20.0
        """
        return self.loss * self.customers

    @property
    def worth(self) -> float:
        """What a customer brings from now on: Σ_t margin · (1 − loss)^t ÷ (1 + rate)^t, t ≥ 0.

        S. Gupta and D. R. Lehmann, Journal of Interactive Marketing 17 (2003), equation 2.

        >>> LossArithmetic(0.5, 1, 100.0, 0.0).worth
        200.0
        """
        return self.margin * (1 + self.rate) / (self.rate + self.loss)

    def worth_of_one_point(self) -> float | None:
        """By how much all customers are worth more with one percent point less loss."""
        if self.loss <= ONE_POINT:
            return None
        better = replace(self, loss=self.loss - ONE_POINT)
        return self.customers * (better.worth - self.worth)
