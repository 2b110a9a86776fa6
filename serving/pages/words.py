"""What codes are called on the pages. A second language is a second set of these."""

from collections.abc import Mapping
from datetime import date
from typing import Any

RISKS = {"critical": "Critical", "high": "High", "medium": "Medium", "low": "Low"}

STATUSES = {
    "scored": "Scored",
    "one_order": "One order so far",
    "too_new": "Too new to tell",
    "already_lapsed": "Already lapsed",
}

SORTS = {
    "value_at_risk": "Value at risk",
    "churn_probability": "Risk",
    "clv": "Customer value",
}

SYSTEMS = {
    "rfm_cell": "RFM cell",
    "rfm_group": "RFM group",
    "abc": "ABC class",
    "pyramid": "Customer pyramid",
    "two_tier": "Top and base",
    "pyramid_clv": "Pyramid by predicted value",
    "two_tier_clv": "Top and base by predicted value",
    "lifecycle": "Lifecycle",
    "value_level": "Value",
    "potential_level": "Potential",
    "loyalty_level": "Loyalty",
    "management_score": "Management score",
    "management_class": "Management class",
    "growth_share": "Growth and share",
    "cluster": "Cluster",
}
LISTED_SYSTEMS = ("rfm_group", "lifecycle", "pyramid", "cluster")
"""Offered as filters above the list; a customer's page shows all."""

VALUES = {
    "important_value": "Important value",
    "important_keep": "Important keep",
    "important_develop": "Important develop",
    "important_win_back": "Important win-back",
    "general_value": "General value",
    "general_keep": "General keep",
    "general_develop": "General develop",
    "general_win_back": "General win-back",
    "vip": "VIP",
}

KINDS = {"repeat": "Buys again", "new": "New to them"}


CLV_BASES = {"revenue": "revenue (no costs are known)", "margin": "margin"}

RISK_EFFECTS = ("raises_risk", "lowers_risk")
"""Effects of reasons about the risk; the others are about the value."""

NOTHING = "–"

WHY = {
    "popular": "Popular in this shop",
    "customers_like_you": "Bought next by similar customers",
}


def called(code: str, names: Mapping[str, str]) -> str:
    """The name of `code`, or the code in a readable form."""
    return names.get(code) or code.replace("_", " ").strip().capitalize() or NOTHING


def system(code: str) -> str:
    return called(code, SYSTEMS)


def value(code: str | None) -> str:
    """A segment's value; codes written in capitals or digits stay as they are."""
    if code is None:
        return NOTHING
    return called(code, VALUES) if code.islower() else code


def day(text: str | None) -> str:
    """A date of a document, such as '1 Mar 2026'."""
    if text is None:
        return NOTHING
    moment = date.fromisoformat(text)
    return f"{moment.day} {moment:%b} {moment.year}"


def percent(probability: float | None) -> str:
    """A probability in whole percent, without claiming certainty."""
    if probability is None:
        return NOTHING
    if 0 < probability < 0.01:
        return "<1%"
    if 0.99 < probability < 1:
        return ">99%"
    return f"{probability:.0%}"


def above(percentile: float) -> str:
    """A place among all customers; nobody is above everybody, themselves included."""
    return f"higher than {min(int(100 * percentile), 99)}% of customers"


def days(number: float | None) -> str:
    if number is None:
        return NOTHING
    return "1 day" if round(number) == 1 else f"{number:,.0f} days"


def ago(number: float | None) -> str:
    if number is None:
        return NOTHING
    return "today" if round(number) == 0 else f"{days(number)} ago"


def figure(number: float | None) -> str:
    return NOTHING if number is None else f"{number:,.1f}"


def why(reason: Mapping[str, Any]) -> str:
    """Why a product is recommended."""
    match reason:
        case {"code": "every_n_days", "days": every, "last_days_ago": last}:
            return f"Bought every {days(every)}, last {ago(last)}"
        case {"code": "bought_with", "product_id": product_id}:
            return f"Often bought with {reason.get('product_name') or product_id}"
        case {"code": "popular_in_segment", "segment": group}:
            return f"Popular among customers of {group}"
        case {"code": str(code)}:
            return called(code, WHY)
        case _:
            return NOTHING
