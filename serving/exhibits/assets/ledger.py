"""The ledger of customers: what they were worth, what was won, realised and lost, what they are worth.

Customer equity as an asset that is opened, moved and closed: R. C. Blattberg and J. Deighton,
"Manage marketing by the customer equity test", Harvard Business Review 74 (1996); S. Gupta,
D. R. Lehmann and J. A. Stuart, "Valuing customers", Journal of Marketing Research 41 (2004).
"""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from features.language.message import Phrase, message
from features.orders.log import day_number
from features.periods import period_sql, start_of
from features.sql import row
from serving.exhibits.assets.closing import closing_ends
from serving.exhibits.assets.origins import MOST_GROUPS, ORIGINS, Acquired
from serving.exhibits.assets.past_values import SHORTEST_DAYS, PastValues
from serving.exhibits.exhibit import ExhibitMaker, Scene
from serving.exhibits.expected import Forecast
from training.value.lifetime import DAYS_PER_YEAR

MOST_COHORTS = 24


@dataclass(frozen=True)
class Ledger:
    """The lines of a ledger, in whole minor units; the closing is the sum of the others.

    opening + passing of time + acquired + ordered + silent + lost − realised = closing

    Attributes
    ----------
    opening : lifetime value of the earlier run's customers, as that run said
    passing : interest on it: what lay further away is nearer now
    acquired : what new customers brought since, and what they are worth now
    ordered, silent : how the value of other customers changed beyond interest and what they
        brought: of those who have ordered since, and of those who have not
    lost : the value of those whom the later run no longer knows
    realised : what all brought since
    """

    opening: int
    passing: int
    acquired: int
    ordered: int
    silent: int
    lost: int
    realised: int
    closing: int

    @classmethod
    def between(
        cls,
        before: "pd.Series[float]",
        now: "pd.Series[float]",
        brought: pd.DataFrame,
        *,
        interest: float,
    ) -> "Ledger":
        """Line by line over customers.

        Parameters
        ----------
        before, now : lifetime value at both dates in whole minor units, by customer; no entry:
            not a customer then
        brought : `value` (whole minor units) and `orders` since, by customer
        interest : share by which a value grows between the dates
        """
        book = pd.DataFrame(
            {
                "before": before,
                "now": now,
                "value": brought["value"],
                "has_ordered": brought["orders"] > 0,
            }
        )
        was, is_now = book["before"].notna(), book["now"].notna()
        # what everyone is worth beyond what was expected, to the minor unit
        start = book["before"].fillna(0)
        growth = (start * interest).round()
        change = book["now"].fillna(0) + book["value"].fillna(0) - start - growth.where(was, 0)
        ordered = book["has_ordered"].eq(other=True)
        return cls(
            opening=_sum(start),
            passing=_sum(growth[was]),
            acquired=_sum(change[~was]),
            ordered=_sum(change[was & is_now & ordered]),
            silent=_sum(change[was & is_now & ~ordered]),
            lost=_sum(change[was & ~is_now]),
            realised=_sum(book["value"].fillna(0)),
            closing=_sum(book["now"].fillna(0)),
        )


def _sum(amounts: "pd.Series[float]") -> int:
    return round(float(amounts.sum()))


def _make(scene: Scene) -> dict[str, object] | Phrase:
    now = scene.scores["clv_lifetime"].astype(float)
    if not now.notna().any():
        return message("This run knows no lifetime value.")
    forecast = Forecast.of(scene)
    closing = float(now.sum())
    low, high = (
        (None, None)
        if forecast is None
        else closing_ends(closing, forecast.total, spread=forecast.spread, noise=forecast.noise)
    )
    acquired = Acquired.of(scene)
    book = _book(scene, now)
    return {
        "basis": scene.info.clv_basis,
        "lifetime_years": scene.info.lifetime_years,
        "discount_rate_per_year": scene.info.discount_rate_per_year,
        "customers": int(now.notna().sum()),
        "closing": scene.from_minor(_sum(_in_minor(now, scene.minor_units))),
        "closing_low": None if low is None else scene.money(low),
        "closing_high": None if high is None else scene.money(high),
        "ledger": None
        if scene.values_before is None
        else _ledger(scene, scene.values_before, now, acquired),
        "cohorts": _cohorts(scene, book, acquired),
        "origins": {
            by: _by_origin(scene, book, acquired, by) for by in ORIGINS if acquired.known(by)
        },
        "has_acquisition_costs": acquired.has_costs,
    }


def _ledger(
    scene: Scene, opening: PastValues, now: "pd.Series[float]", acquired: Acquired
) -> dict[str, object]:
    start, days = opening.run.as_of, (scene.as_of - opening.run.as_of).days
    rate = scene.info.discount_rate_per_year
    minor = scene.minor_units
    brought = _brought(scene, start)
    ledger = Ledger.between(
        _in_minor(opening.lifetime, minor),
        _in_minor(now, minor),
        brought,
        interest=(1 + rate) ** (days / DAYS_PER_YEAR) - 1,
    )
    lines = {name: scene.from_minor(amount) for name, amount in vars(ledger).items()}
    opening_customers = set(opening.lifetime.index)
    new = now.index[~now.index.isin(opening.lifetime.index)]
    costs = acquired.costs(new)
    return {
        "run_id": opening.run.run_id,
        "from": start.isoformat(),
        "to": scene.as_of.isoformat(),
        "days": days,
        **lines,
        "customers_before": len(opening.lifetime),
        "customers_acquired": len(new),
        "customers_lost": len(opening_customers - set(now.index)),
        "models_changed": opening.run.models != scene.info.models,
        "customers_with_cost": costs["customers_with_cost"],
        "acquisition_cost": _money(scene, costs["cost"]),
        "acquired_by": {
            by: _acquired_by(scene, acquired, by, before=opening.lifetime, now=now, brought=brought)
            for by in ORIGINS
            if acquired.known(by)
        },
        "orders": _reconciled(scene, start),
    }


def _acquired_by(
    scene: Scene,
    acquired: Acquired,
    by: str,
    *,
    before: "pd.Series[float]",
    now: "pd.Series[float]",
    brought: pd.DataFrame,
) -> list[dict[str, object]]:
    """The line of the acquired by origin: the parts add up to it, to the minor unit."""
    people = now.index.union(brought.index)
    new = people[~people.isin(before.index)]
    worth = _in_minor(now.reindex(new), scene.minor_units) + brought["value"].reindex(new).fillna(0)
    parts = []
    for group, customers in acquired.groups(new, by):
        costs = acquired.costs(customers)
        parts.append(
            {
                **group,
                "customers": int(customers.isin(now.index).sum()),
                "acquired": scene.from_minor(_sum(worth[customers])),
                "customers_with_cost": costs["customers_with_cost"],
                "cost": _money(scene, costs["cost"]),
            }
        )
    return parts


def _reconciled(scene: Scene, start: date) -> dict[str, object]:
    """The orders behind what was realised: all − those of nobody known = realised."""
    (everything, of_nobody, orders) = row(
        scene.log.connection,
        f"""SELECT {scene.value_sql()}, {scene.value_sql("customer IS NULL")},
                   count(DISTINCT order_key) FILTER (NOT is_return AND customer IS NOT NULL)
            FROM {scene.visible["lines"]} AS known_lines WHERE day >= {day_number(start)}""",
    )
    return {
        "all": scene.from_minor(int(str(everything))),
        "of_nobody_known": scene.from_minor(int(str(of_nobody))),
        "orders": int(str(orders)),
    }


def _money(scene: Scene, minor: object) -> float | None:
    """Money of whole minor units, where it is known."""
    return None if minor is None else scene.from_minor(float(str(minor)))


def _in_minor(money: "pd.Series[float]", minor_units: int) -> "pd.Series[float]":
    """Whole minor units; a customer whose value is not known is worth nothing in the ledger."""
    return (money.fillna(0.0) * minor_units).round()


def _brought(scene: Scene, start: date) -> pd.DataFrame:
    """`value` in whole minor units and `orders` of each known customer since `start`."""
    return scene.log.frame(f"""
        SELECT customer_id, count(DISTINCT order_key) FILTER (NOT is_return) AS orders,
               {scene.value_sql()} AS value
        FROM {scene.visible["lines"]} AS known_lines JOIN customers USING (customer)
        WHERE day >= {day_number(start)} GROUP BY customer_id""").set_index("customer_id")


def _book(scene: Scene, now: "pd.Series[float]") -> pd.DataFrame:
    """Per customer of the run: month of the first order, what was brought so far, the value now.

    `cohort`, `value` (whole minor units) and `now` (money), index `customer_id`.
    """
    firsts = scene.log.frame(f"""
        SELECT customer_id, {period_sql("first_day", "month")} AS cohort
        FROM {scene.visible["first_days"]} AS firsts JOIN customers USING (customer)""")
    book = firsts.set_index("customer_id")
    book["now"] = now.reindex(book.index)
    book["value"] = _brought(scene, scene.log.first_day)["value"].reindex(book.index)
    return book[book.index.isin(now.index)]


def _cohorts(scene: Scene, book: pd.DataFrame, acquired: Acquired) -> list[dict[str, object]]:
    """By month of the first order: what its customers have brought so far, and are worth now."""
    recent = sorted(book["cohort"].unique())[-MOST_COHORTS:]
    cohorts = book["cohort"].where(book["cohort"].isin(recent), "")
    first_whole = start_of(scene.log.first_day, "month").isoformat()
    return [
        {
            "cohort": str(cohort)[:7] or None,
            **_worth(scene, part, acquired),
            "is_mixed": not cohort or str(cohort) <= first_whole,
        }
        for cohort, part in book.groupby(cohorts)
    ]


def _by_origin(
    scene: Scene, book: pd.DataFrame, acquired: Acquired, by: str
) -> list[dict[str, object]]:
    """The same by channel or first product; the parts hold every customer once."""
    return [
        {**group, **_worth(scene, book.loc[customers], acquired)}
        for group, customers in acquired.groups(book.index, by)
    ]


def _worth(scene: Scene, part: pd.DataFrame, acquired: Acquired) -> dict[str, object]:
    costs = acquired.costs(part.index)
    return {
        "customers": len(part),
        "realised": scene.from_minor(part["value"].fillna(0).sum()),
        "expected": scene.money(part["now"].sum()),
        **costs,
        "cost": _money(scene, costs["cost"]),
    }


EXHIBIT = ExhibitMaker(
    name="customer_assets",
    title=message("The ledger of customers"),
    method=message(
        "Opening: the lifetime value that an earlier run, at least %(days)s days ago, gave its "
        "customers. Passing of time: interest on it. Acquired: what new customers brought, and their "
        "lifetime value now. Ordered since and silent since: how the value of the others changed "
        "beyond interest and what they brought; since values always reach equally many years ahead, the "
        "days added at the far end are part of it. Lost: whom the orders no longer know. Realised: what "
        "all customers brought since, from the orders. The lines add up to the closing value. Its "
        "80 %% interval joins that of the expected total with the level of the years after the horizon, "
        "which no past window shows: a usual miss of 20 %% on their share. Cohorts: by month of the first order, by "
        "channel, and by the first product (of the first day, the one that cost most); the %(groups)s "
        "largest. Payback: the month after the first order by which customers had brought on average "
        "what winning them cost.",
        days=SHORTEST_DAYS,
        groups=MOST_GROUPS,
    ),
    make=_make,
)
