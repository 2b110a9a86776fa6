"""The RFM test mailing and its break-even.

A. M. Hughes, "Strategic Database Marketing" (4th ed., 2011), chapter on RFM: contact every Nth
customer of all cells, measure the response of each cell, and roll out to the cells that pay for
their contacts.
"""

import math

import numpy as np
import pandas as pd

from features.errors import ConfigError
from features.language.message import message
from features.segments.system import SystemDescription


def break_even_response(cost_per_contact: float, net_profit_per_sale: float) -> float:
    """The share of contacts that must buy to pay for all of them.

    Raises
    ------
    ConfigError
        When the profit is not above 0 or the cost below 0.

    >>> round(break_even_response(0.62, 35.00), 4)
    0.0177
    """
    if not (net_profit_per_sale > 0 and math.isfinite(net_profit_per_sale)):
        raise ConfigError(f"net profit per sale must be above 0, not {net_profit_per_sale}.")
    if not (cost_per_contact >= 0 and math.isfinite(cost_per_contact)):
        raise ConfigError(f"cost per contact must be 0 or more, not {cost_per_contact}.")
    return cost_per_contact / net_profit_per_sale


def every_nth(cells: "pd.Series[str]", size: int) -> pd.Index:
    """A test sample of `size` customers in which every cell has its share.

    Customers are sorted by cell, by id within a cell, and every Nth is taken, N = all ÷ `size`;
    a cell's part of the sample is off its share by less than one customer.

    Parameters
    ----------
    cells : cell of each customer, indexed by customer id
    size : from 1 to all

    Returns
    -------
    The ids of the sample, sorted by cell, then id.

    Raises
    ------
    ConfigError
        When `size` is larger than the number of customers, or below 1.
    """
    if not 1 <= size <= len(cells):
        raise ConfigError(f"a sample of {size:,} cannot be drawn from {len(cells):,} customers.")
    ids = cells.index.to_numpy(dtype=object)
    order = np.lexsort((ids.astype(str), cells.to_numpy(dtype=object).astype(str)))
    # the middle of each of `size` equal stretches, in whole numbers
    picked = (2 * np.arange(size) + 1) * len(cells) // (2 * size)
    chosen: pd.Index = pd.Index(ids[order[picked]], name=cells.index.name)
    return chosen


def read_back(
    cells: "pd.Series[str]",
    responded: "pd.Series[bool]",
    *,
    cost_per_contact: float,
    net_profit_per_sale: float,
) -> pd.DataFrame:
    """The responses of each cell of the contacted customers.

    Parameters
    ----------
    cells : cell of each contacted customer, indexed by customer id
    responded : whether they bought, same index
    cost_per_contact, net_profit_per_sale : in money

    Returns
    -------
    One row per cell, index `cell`, best first: `contacts`, `responses`, `response_rate`,
    `response_low` and `response_high` (80 % interval of Wilson), `break_even_index`
    (100 × (rate − break-even) ÷ break-even; 0 is break-even), `profit`, `roll_out`.

    Raises
    ------
    ConfigError
        When the two are not of the same customers, or an amount of money is impossible.
    """
    from scipy.stats import binomtest

    if not cells.index.equals(responded.index):
        raise ConfigError("cells and responses are not of the same customers in the same order.")
    threshold = break_even_response(cost_per_contact, net_profit_per_sale)
    counted = responded.astype(int).groupby(cells.to_numpy()).agg(["size", "sum"])
    table = counted.set_axis(["contacts", "responses"], axis=1).rename_axis("cell")
    contacts, responses = (table[name].to_numpy(dtype=float) for name in table)
    intervals = [
        binomtest(int(bought), int(contacted)).proportion_ci(0.8, method="wilson")
        for bought, contacted in zip(responses, contacts, strict=True)
    ]
    earned = responses * net_profit_per_sale - contacts * cost_per_contact
    table = table.assign(
        response_rate=responses / contacts,
        response_low=[interval.low for interval in intervals],
        response_high=[interval.high for interval in intervals],
        break_even_index=100 * (responses / contacts - threshold) / threshold
        if threshold
        else math.inf,
        profit=earned,
        # a cell exactly at break-even must not fail by rounding
        roll_out=responses / contacts >= threshold * (1 - 1e-12),
    )
    return table.sort_values("response_rate", ascending=False, kind="stable")


def roll_out(cells: "pd.Series[str]", result: pd.DataFrame, tested: pd.Index) -> pd.Index:
    """The customers still to contact: not tested yet, in a cell at or above break-even.

    Parameters
    ----------
    cells : cell of every customer, indexed by customer id
    result : what `read_back` gave
    tested : ids of the test sample

    Returns
    -------
    Their ids, in the order of `cells`. A cell that the test did not reach is left out.
    """
    good = cells.isin(result.index[result["roll_out"]])
    return cells.index[good & ~cells.index.isin(tested)]


def describe() -> SystemDescription:
    """The rule of the test."""
    return SystemDescription(
        name="break_even",
        title=message("RFM test and break-even"),
        rule=message(
            "Break-even response = cost per contact ÷ net profit per sale. Contact every Nth customer of "
            "all cells as a test, then roll out to the cells whose response is at or above it."
        ),
        groups={},
    )
