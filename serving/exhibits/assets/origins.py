"""How customers came: through which channel, with which first product, and what that cost."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from features.orders.log import day_number
from features.tables.optional_tables import visible_tables
from serving.exhibits.exhibit import Scene
from training.models.estimator import Floats
from training.value.lifetime import DAYS_PER_YEAR

MONTH_DAYS = DAYS_PER_YEAR / 12
MOST_MONTHS = 60
MOST_GROUPS = 10
"""Further channels or products are added up as the others."""

ORIGINS = ("channel", "category", "product")
"""What customers are grouped by, beside the month of their first order."""


def payback_month(brought: Floats, months_passed: Floats, cost: float) -> int | None:
    """By which month after the first order customers have brought what their acquisition cost.

    Parameters
    ----------
    brought : customers × months after the first order, in the money of `cost`; not read beyond
        the months that have passed
    months_passed : whole months since each customer's first order
    cost : of all of them

    Returns
    -------
    The first month, 1 for the month that begins with the first order, up to whose end a customer
    has brought on average at least the mean cost; 0 where they cost nothing. Each month is
    averaged over those who have it behind them. None where that is not reached as long as at
    least half of the customers have a month behind them.
    """
    customers = len(months_passed)
    if cost <= 0:
        return 0
    total = 0.0
    for month in range(brought.shape[1]):
        passed = months_passed > month
        if 2 * int(passed.sum()) < customers:
            return None
        total += float(brought[passed, month].mean())
        # to the thousandth of a minor unit: a mean of whole units is no exact number
        if total >= cost / customers - 1e-3:
            return month + 1
    return None


@dataclass(frozen=True)
class Acquired:
    """How each customer came, and what each has brought month by month.

    Attributes
    ----------
    book : index `customer_id`: `first_day`, `channel`, `category`, `product` (None: not known),
        `cost` in whole minor units (NaN: not known), `months_passed`
    months : rows as in `book` × months after the first order: what was brought, in whole minor
        units; of customers whose cost is known
    has_costs : whether the shop says what acquiring customers cost
    """

    book: pd.DataFrame = field(repr=False)
    months: Floats = field(repr=False)
    has_costs: bool

    @classmethod
    def of(cls, scene: Scene) -> "Acquired":
        """Those who bought before the date of the run."""
        book = _origins(scene)
        passed = (day_number(scene.as_of) - book["first_day"].to_numpy()) // MONTH_DAYS
        book["months_passed"] = passed
        has_costs = bool(book["cost"].notna().any())
        return cls(
            book, _by_month(scene, book) if has_costs else np.zeros((len(book), 0)), has_costs
        )

    def costs(self, customers: "pd.Index[str]") -> dict[str, object]:
        """Of some customers: with a known cost, that cost in whole minor units, and its payback."""
        rows = self.book.index.get_indexer(customers)
        rows_with_cost = rows[(rows >= 0) & self.book["cost"].notna().to_numpy()[rows]]
        if not len(rows_with_cost):
            return {"customers_with_cost": 0, "cost": None, "payback_month": None}
        cost = float(self.book["cost"].to_numpy()[rows_with_cost].sum())
        month = payback_month(
            self.months[rows_with_cost], self.book["months_passed"].to_numpy()[rows_with_cost], cost
        )
        return {"customers_with_cost": len(rows_with_cost), "cost": cost, "payback_month": month}

    def groups(
        self, customers: "pd.Index[str]", by: str
    ) -> Iterator[tuple[dict[str, object], "pd.Index[str]"]]:
        """The customers parted by `by`: the shop's largest groups, the others, the unknown.

        Yields
        ------
        `group` (None: not known, or the others) with `is_others`, and its customers; every
        customer is in one group.
        """
        values = self.book[by].reindex(customers)
        sizes = self.book[by].value_counts()
        # of equal size, the first by name
        largest = sorted(sizes.index, key=lambda name: (-sizes[name], str(name)))[:MOST_GROUPS]
        for name in largest:
            of_group = (values == name).to_numpy()
            if of_group.any():
                yield {"group": str(name), "is_others": False}, customers[of_group]
        is_other = values.notna() & ~values.isin(largest)
        if is_other.any():
            yield {"group": None, "is_others": True}, customers[is_other.to_numpy()]
        if values.isna().any():
            yield {"group": None, "is_others": False}, customers[values.isna().to_numpy()]

    def known(self, by: str) -> bool:
        """Whether anything is known of an origin."""
        return bool(self.book[by].notna().any())


def acquisition_cost(scene: Scene, since: int) -> tuple[int, float] | None:
    """Customers with a first order on or after day `since` and a known cost, and its sum in
    whole minor units; None where no cost is known.
    """
    book = _origins(scene)
    costs = book.loc[book["first_day"] >= since, "cost"].dropna()
    return (len(costs), float(costs.sum())) if len(costs) else None


def _origins(scene: Scene) -> pd.DataFrame:
    """One row per customer: the first day, the channel, the first product, the cost."""
    tables: Mapping[str, str] = visible_tables(scene.log.settings.data, day_number(scene.as_of))
    acquisitions = (
        f"""SELECT customer, min_by(channel, (day, minute, channel)) AS channel,
                   sum(cost) AS cost
            FROM {tables["acquisitions"]} AS known_acquisitions GROUP BY customer"""
        if "acquisitions" in tables
        else "SELECT NULL::INTEGER AS customer, NULL::VARCHAR AS channel, NULL::BIGINT AS cost LIMIT 0"
    )
    frame = scene.log.frame(f"""
        WITH first_lines AS (
            SELECT customer, first_day,
                   max_by(product, (amount, -minute, -product))
                       FILTER (product IS NOT NULL) AS product,
                   min_by(channel, (minute, channel)) FILTER (channel IS NOT NULL) AS channel
            FROM {scene.visible["first_days"]} AS firsts
            JOIN {scene.visible["lines"]} AS known_lines USING (customer)
            WHERE day = first_day AND NOT is_return GROUP BY customer, first_day
        )
        SELECT customer_id, first_day, coalesce(acquired.channel, first_lines.channel) AS channel,
               products.category, coalesce(product_name, product_id) AS product, cost
        FROM first_lines JOIN customers USING (customer)
        LEFT JOIN products USING (product)
        LEFT JOIN ({acquisitions}) AS acquired USING (customer)
        ORDER BY customer""").set_index("customer_id")
    frame["cost"] = frame["cost"].astype("float64")
    return frame


def _by_month(scene: Scene, book: pd.DataFrame) -> Floats:
    frame = scene.log.frame(f"""
        SELECT customer_id, CAST(floor((day - first_day) / {MONTH_DAYS}) AS INTEGER) AS month,
               {scene.value_sql()} AS value
        FROM {scene.visible["lines"]} AS known_lines
        JOIN {scene.visible["first_days"]} AS firsts USING (customer)
        JOIN customers USING (customer)
        WHERE day >= first_day GROUP BY ALL""")
    frame = frame[frame["month"] < MOST_MONTHS]
    rows = book.index.get_indexer(pd.Index(frame["customer_id"]))
    months = np.zeros((len(book), int(min(book["months_passed"].max() + 1, MOST_MONTHS))))
    has_row = rows >= 0
    months[rows[has_row], frame["month"].to_numpy()[has_row]] = frame["value"].to_numpy()[has_row]
    return months
