"""What a lifetime value is the sum of: the horizon, and each year after it."""

from collections.abc import Callable, Mapping

import numpy as np

from features.rows import Floats
from serving.scoring.rounding import rounded
from serving.store.run import RunInfo
from training.value.lifetime import Lifetime, YearAhead, term_columns

FACTOR_DIGITS = 6
"""Of the discount of a year ahead."""

HORIZON = YearAhead(number=0, discount_years=0.0, discount_factor=1.0)
"""The term before the years ahead: not discounted."""


def lifetime_columns(run: RunInfo) -> list[str]:
    """The columns of scores with the terms of a lifetime."""
    return [name for columns in term_columns(_lifetime(run)) for name in columns]


def terms_of(run: RunInfo, value_of: Callable[[str], object]) -> list[dict[str, object]]:
    """The terms of a document, the horizon first.

    Parameters
    ----------
    value_of : gives the value of a column of `rounded_terms`
    """
    lifetime = _lifetime(run)
    years = zip([HORIZON, *lifetime.years_ahead], term_columns(lifetime), strict=True)
    return [
        {
            "year": year.number,
            "revenue": value_of(columns.revenue),
            "cost": value_of(columns.cost),
            "discount_years": round(year.discount_years, FACTOR_DIGITS),
            "discount_factor": round(year.discount_factor, FACTOR_DIGITS),
            "present_value": value_of(columns.present_value),
        }
        for year, columns in years
    ]


def rounded_terms(run: RunInfo, terms: Mapping[str, Floats], digits: int) -> dict[str, Floats]:
    """`terms` as shown; present values rounded so that they add up to `clv_lifetime` as shown.

    Parameters
    ----------
    terms : `lifetime_columns`, one value per customer
    digits : decimal places of the currency
    """
    columns = term_columns(_lifetime(run))
    present = [name.present_value for name in columns]
    up_to = rounded(np.cumsum([terms[name] for name in present], axis=0), digits=digits)
    together = rounded(np.diff(up_to, axis=0, prepend=0.0), digits=digits)
    return {
        **{name: rounded(values, digits=digits) for name, values in terms.items()},
        **dict(zip(present, together, strict=True)),
    }


def _lifetime(run: RunInfo) -> Lifetime:
    return Lifetime(run.horizon_days, run.lifetime_years, run.discount_rate_per_year)
