"""What must hold between the figures of one customer, wherever they are shown."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd

BANDS = ("low", "medium", "high", "critical")
EXACT = 1e-9


def contradictions(scores: pd.DataFrame, *, edges: Mapping[str, float]) -> dict[str, list[str]]:
    """Rule → the customers who break it, in a file of scores whose churn is silence."""
    s = scores.set_index("customer_id")
    p = s["p_order"]
    within = [s[name] for name in ("p_order_7d", "p_order_30d", "p_order_90d")]
    broken = {
        "p_order + churn_probability = 1": _apart(p + s["churn_probability"], 1.0),
        "clv = expected_orders × expected_order_value": _apart(
            s["clv"], s["expected_orders"] * s["expected_order_value"]
        ),
        "clv = p_order × value_if_order": _apart(s["clv"], p * s["value_if_order"]),
        "expected_orders = p_order × orders given one": _apart(
            s["expected_orders"], p * s["expected_orders_given_order"]
        ),
        "orders given one ≥ 1": s["expected_orders_given_order"] < 1,
        "expected_orders ≥ p_order": s["expected_orders"] < p,
        "p_alive ≥ p_order": s["p_alive"] < p,
        "clv_low ≤ clv_median ≤ clv_high": (s["clv_low"] > s["clv_median"])
        | (s["clv_median"] > s["clv_high"]),
        "value_if_order_low ≤ value_if_order_high": s["value_if_order_low"]
        > s["value_if_order_high"],
        "clv_high ≤ value_if_order_high": s["clv_high"] > s["value_if_order_high"] * (1 + EXACT),
        "clv_low is 0 where p_order < 0.9": (p < 0.9) & (s["clv_low"] > 0),
        "clv_median is 0 where p_order < 0.5": (p < 0.5) & (s["clv_median"] != 0),
        "clv_high is 0 where p_order < 0.1": (p < 0.1) & (s["clv_high"] != 0),
        "clv_lifetime ≥ clv": (s["clv_basis"] == "revenue") & (s["clv_lifetime"] < s["clv"]),
        "P(order) rises with the days": (within[0] > within[1]) | (within[1] > within[2]),
        **_beside_the_horizon(s, within),
        "next order on or after the date": s["next_order_low"] < s["as_of"],
        "next order within its interval": (s["next_order_date"] < s["next_order_low"])
        | (s["next_order_date"] > s["next_order_high"]),
        "the band is that of the probability": s["retention_risk"]
        != [band(risk, edges) for risk in s["churn_probability"]],
        "at risk at once where the risk is high": s["retention_risk"].isin(BANDS[2:])
        != (s["at_risk_on"] == s["as_of"]).fillna(value=False),
        "no rhythm for the too new": (s["status"] == "too_new") != s["rhythm"].isna(),
    }
    return _customers_by_rule(s, broken) | beside_the_lifetime(scores)


def _customers_by_rule(
    s: pd.DataFrame, broken: "Mapping[str, pd.Series[bool]]"
) -> dict[str, list[str]]:
    return {rule: s.index[mask].tolist() for rule, mask in broken.items() if mask.any()}


def band(churn: float, edges: Mapping[str, float]) -> str:
    """The band that a churn probability lies in."""
    return BANDS[sum(churn >= edges[name] for name in BANDS[1:])]


def _apart(left: "pd.Series[float]", right: "pd.Series[float] | float") -> "pd.Series[bool]":
    size = np.maximum(np.abs(left), np.abs(right))
    return (left - right).abs() > EXACT * np.maximum(size, 1e-12)


def years_ahead(horizon: int, years: float) -> dict[int, float]:
    """The years after the horizon, and how far ahead of it the middles of their periods lie."""
    middles: dict[int, list[float]] = {}
    for period in range(1, round(years * 365.25 / horizon)):
        middle = (period - 0.5) * horizon / 365.25
        middles.setdefault(int(middle) + 1, []).append(middle)
    return {year: sum(ahead) / len(ahead) for year, ahead in middles.items()}


def beside_the_lifetime(
    scores: pd.DataFrame, *, years: float = 5.0, rate: float = 0.1
) -> dict[str, list[str]]:
    """Rule → the customers whose yearly terms break it."""
    s = scores.set_index("customer_id")
    ahead = {0: 0.0, **years_ahead(int(s["horizon_days"].iloc[0]), years)}
    present = [s[f"lifetime_present_value_{year}"] for year in ahead]
    no_cost = s["clv_basis"] == "revenue"
    broken = {
        "no further year": pd.Series(f"lifetime_cost_{max(ahead) + 1}" in s, s.index),
        "the terms add up to clv_lifetime": _apart(s["clv_lifetime"], sum(present)),
        "the first term is clv": _apart(s["clv"], present[0]),
        **{
            f"present value of year {year}": _apart(
                present_value,
                (s[f"lifetime_revenue_{year}"] - s[f"lifetime_cost_{year}"]) / (1 + rate) ** t,
            )
            for (year, t), present_value in zip(ahead.items(), present, strict=True)
        },
        **{
            f"cost of year {year}": (s[f"lifetime_cost_{year}"] < 0)
            | (no_cost & (s[f"lifetime_cost_{year}"] != 0))
            for year in ahead
        },
    }
    return _customers_by_rule(s, broken)


def _beside_the_horizon(
    s: pd.DataFrame, within: "list[pd.Series[float]]"
) -> "dict[str, pd.Series[bool]]":
    horizon, p = s["horizon_days"], s["p_order"]
    days = dict(zip((7, 30, 90), within, strict=True))
    return {
        f"P(order in {number} days) beside p_order": ((horizon >= number) & (chance > p))
        | ((horizon <= number) & (chance < p))
        for number, chance in days.items()
    }


def document_contradictions(answer: Mapping[str, object], *, digits: int) -> list[str]:
    """What is wrong between the figures of one document, to one unit of the last digit shown."""
    unit, half = 10.0**-digits, 0.5 * 10.0**-digits
    p, churn = answer["p_order"], answer["churn_probability"]
    orders, value = answer["expected_orders"], answer["expected_order_value"]
    if_order, next_order = answer["value_if_order"], answer["next_order"]
    low, median, high = (answer[name] for name in ("clv_low", "clv_median", "clv_high"))
    chances = [next_order[f"p_order_{days}d"] for days in (7, 30, 90)]
    told = {
        "p + churn": abs(p + churn - 1) <= 1e-4,
        "clv = p × value_if_order": abs(answer["clv"] - p * if_order)
        <= unit + if_order * 1e-6 + half,
        "clv = orders × value": abs(answer["clv"] - orders * value)
        <= unit + value * 1e-4 + orders * half,
        "next order's value": next_order["expected_value"] == value,
        "orders ≥ p": orders >= p - 1e-4,
        "alive ≥ p": answer["p_alive"] >= p - 1e-4,
        "ends in order": low <= median <= high,
        "if order": answer["value_if_order_low"] <= answer["value_if_order_high"],
        "chances rise": all(before <= after for before, after in pairwise(chances)),
        "low end": low <= 0 or p >= 0.9 - 1e-6,
        "median": median == 0 or p >= 0.5 - 1e-6,
        "high end": high == 0 or p >= 0.1 - 1e-6,
        "dates": answer["as_of"] <= next_order["low"] <= next_order["date"] <= next_order["high"],
        "at risk": (answer["retention_risk"] in BANDS[2:])
        == (answer["at_risk_on"] == answer["as_of"]),
        "rhythm": (answer["status"] == "too_new") == (answer["rhythm"] is None),
        "pace": answer["value_at_risk_pace"]
        == ("comparable" if _bought_on_one_day(answer["profile"]) else "own"),
    }
    told |= _terms_hold(answer, unit)
    return [rule for rule, holds in told.items() if not holds]


def _terms_hold(answer, unit):
    terms = answer["lifetime_terms"]
    ahead = {0: 0.0, **years_ahead(answer["horizon_days"], 5.0)}
    return {
        "years": [term["year"] for term in terms] == list(ahead),
        "present values add up": abs(
            sum(term["present_value"] for term in terms) - answer["clv_lifetime"]
        )
        < unit / 2,
        "the horizon is the first term": terms[0]["present_value"] == answer["clv"],
        "t": all(abs(term["discount_years"] - ahead[term["year"]]) < 1e-6 for term in terms),
        "factor": all(
            abs(term["discount_factor"] - 1.1 ** -term["discount_years"]) < 1e-6 for term in terms
        ),
        "present value": all(
            abs((term["revenue"] - term["cost"]) * term["discount_factor"] - term["present_value"])
            <= 2 * unit + 1e-6 * abs(term["revenue"])
            for term in terms
        ),
        "revenue has no cost": answer["clv_basis"] == "margin"
        or all(term["cost"] == 0 for term in terms),
    }


def _bought_on_one_day(profile):
    return profile["first_order_date"] == profile["last_order_date"]
