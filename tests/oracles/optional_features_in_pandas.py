"""Every feature of the optional tables once more, one customer at a time: slow and obvious."""

from statistics import mean
from typing import Any

import pandas as pd


def optional_features_in_pandas(
    lines: pd.DataFrame, tables: dict[str, pd.DataFrame], as_of: pd.Timestamp, customers: list[str]
) -> pd.DataFrame:
    """The features of `customers` at `as_of` from order lines and tables known by then.

    Columns of `tests.support.shop.COLUMNS` and `tests.support.optional_tables.TABLES`.
    """
    known = lines[lines["time"] < as_of]
    events = tables["interactions"].replace({"what": {"Store Visit": "visit"}})
    events = events[events["when"] < as_of].sort_values("when", kind="stable")
    sent = tables["contacts"]
    sent = sent[(sent["when"] < as_of) & (sent["arm"] != "Control")]
    people = tables["customers"].set_index("id")
    rows = {
        customer: {
            **_interactions(events[events["who"] == customer], as_of),
            **_referrals(events[events["what"] == "referral"], known, customer),
            **_contacts(sent[sent["who"] == customer], as_of),
            **_membership(people, customer, as_of),
            **_attributes(people, customer),
        }
        for customer in customers
    }
    return pd.DataFrame.from_dict(rows, orient="index").astype("float64")


def _days_ago(times: pd.Series, as_of: pd.Timestamp) -> list[int]:
    return [(as_of - time.normalize()).days for time in times]


def _interactions(own: pd.DataFrame, as_of: pd.Timestamp) -> dict[str, Any]:
    def days_of(kind: str) -> list[int]:
        return _days_ago(own.loc[own["what"] == kind, "when"], as_of)

    def within(kind: str, days: int) -> int:
        return sum(ago <= days for ago in days_of(kind))

    scored = own[own["what"] == "satisfaction"]
    recent = [
        score
        for score, ago in zip(scored["score"], _days_ago(scored["when"], as_of), strict=True)
        if ago <= 365
    ]
    return {
        "visits_30d": within("visit", 30),
        "visits_90d": within("visit", 90),
        "days_since_last_visit": min(days_of("visit"), default=None),
        "enquiries_90d": within("enquiry", 90),
        "quotes_90d": within("quote", 90),
        "carts_90d": within("cart", 90),
        "complaints_365d": within("complaint", 365),
        "days_since_last_complaint": min(days_of("complaint"), default=None),
        "last_satisfaction": scored.loc[scored["when"] == scored["when"].max(), "score"].max(),
        "mean_satisfaction_365d": mean(recent) if recent else None,
    }


def _referrals(referrals: pd.DataFrame, lines: pd.DataFrame, customer: str) -> dict[str, Any]:
    spend, brought = 0, set()
    for other, by_somebody in referrals.groupby("brought"):
        since = by_somebody["when"].min()
        if customer in set(by_somebody.loc[by_somebody["when"] == since, "who"]):
            brought.add(other)
            of_other = lines[(lines["customer"] == other) & (lines["time"] >= since.normalize())]
            spend += sum(round(amount * 100) for amount in of_other["amount"])
    return {
        "referrals": len(brought),
        "referral_spend": spend / 100,
        "referred": float((referrals["brought"] == customer).any()),
    }


def _contacts(own: pd.DataFrame, as_of: pd.Timestamp) -> dict[str, Any]:
    ago = _days_ago(own["when"], as_of)
    costs = [
        round(cost * 100)
        for cost, days in zip(own["cost"], ago, strict=True)
        if days <= 365 and cost == cost  # noqa: PLR0124 - not NaN
    ]
    return {
        "contacts_30d": sum(days <= 30 for days in ago),
        "contacts_90d": sum(days <= 90 for days in ago),
        "days_since_last_contact": min(ago, default=None),
        "contact_cost_365d": sum(costs) / 100,
    }


def _membership(people: pd.DataFrame, customer: str, as_of: pd.Timestamp) -> dict[str, Any]:
    if customer not in people.index:
        return dict.fromkeys(["is_cancelled", "days_since_cancellation"])
    left = people.loc[customer, "left"]
    over = not pd.isna(left) and left < as_of
    ago = (as_of - left.normalize()).days if over else None
    return {"is_cancelled": over, "days_since_cancellation": ago}


def _attributes(people: pd.DataFrame, customer: str) -> dict[str, Any]:
    if customer not in people.index:
        return dict.fromkeys(["attribute_age", "is_region_north", "is_region_south"])
    noted = people.loc[customer]
    region = noted["Region"] if isinstance(noted["Region"], str) else None
    return {
        "attribute_age": noted["Age"],
        "is_region_north": None if region is None else region == "Nord",
        "is_region_south": None if region is None else region == "Süd",
    }
