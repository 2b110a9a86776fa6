"""Every feature of the optional tables once more, one customer at a time: slow and obvious."""

from math import copysign, floor
from statistics import mean
from typing import Any

import pandas as pd


def optional_features_in_pandas(
    lines: pd.DataFrame, tables: dict[str, pd.DataFrame], as_of: pd.Timestamp, base: pd.DataFrame
) -> pd.DataFrame:
    """The features of the customers of `base` at `as_of` from order lines and tables known by then.

    `base` holds the features of the orders, one row per customer. Columns of `tests.support.shop.COLUMNS` and `tests.support.optional_tables.TABLES`.
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
            **_items(
                events[events["who"] == customer], known[known["customer"] == customer], as_of
            ),
            **_referrals(events[events["what"] == "referral"], known, customer),
            **_contacts(sent[sent["who"] == customer], as_of),
            **_membership(people, customer, as_of),
            **_contract(people, customer, as_of),
            **_payments(base.loc[customer]),
            **_attributes(people, customer),
        }
        for customer in base.index
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
        "searches_90d": within("search", 90),
        "complaints_365d": within("complaint", 365),
        "days_since_last_complaint": min(days_of("complaint"), default=None),
        "last_satisfaction": scored.loc[scored["when"] == scored["when"].max(), "score"].max(),
        "mean_satisfaction_365d": mean(recent) if recent else None,
    }


def _items(own: pd.DataFrame, lines: pd.DataFrame, as_of: pd.Timestamp) -> dict[str, Any]:
    about = own[own["product"].notna() | own["category"].notna()]
    rows = [
        (row.what, ago, row.product)
        for row, ago in zip(about.itertuples(), _days_ago(about["when"], as_of), strict=True)
    ]
    bought: dict[str, int] = {}
    for row, ago in zip(lines.itertuples(), _days_ago(lines["time"], as_of), strict=True):
        if row.amount >= 0:
            bought[row.product] = min(ago, bought.get(row.product, ago))

    def unbought(kind: str, days: int) -> int:
        return len(
            {
                product
                for what, ago, product in rows
                if what == kind and ago <= days and ago < bought.get(product, as_of.toordinal())
                if isinstance(product, str)
            }
        )

    return {
        "views_30d": sum(what == "visit" and ago <= 30 for what, ago, _ in rows),
        "views_90d": sum(what == "visit" and ago <= 90 for what, ago, _ in rows),
        "days_since_last_view": min(
            (ago for what, ago, _ in rows if what == "visit"), default=None
        ),
        "carted_30d": sum(what == "cart" and ago <= 30 for what, ago, _ in rows),
        "unbought_views_30d": unbought("visit", 30),
        "unbought_carts_90d": unbought("cart", 90),
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


def _contract(people: pd.DataFrame, customer: str, as_of: pd.Timestamp) -> dict[str, Any]:
    names = ("contract_age_days", "days_to_anniversary", "contract_term_months", "days_to_term_end")
    if customer not in people.index:
        return dict.fromkeys(names)
    began, term = people.loc[customer, ["began", "term"]]
    age = (as_of - began).days if not pd.isna(began) and began < as_of else None
    year, month = 365.25, 365.25 / 12
    over = None if age is None or pd.isna(term) else max(_rounded(age / (term * month) - 0.5), 0)
    values = (
        age,
        None if age is None else year - age % year,
        term,
        None if over is None else term * month * (over + 1) - age,
    )
    return dict(zip(names, values, strict=True))


def _payments(base: "pd.Series[float]") -> dict[str, Any]:
    """From the customer's other features, which have an oracle of their own."""
    usual = None if pd.isna(base["median_gap_days"]) else base["median_gap_days"]
    tenure, silence = base["days_since_first_order"], base["days_since_last_order"]
    orders, last = base["orders"], base["last_order_value"]
    before = orders * base["mean_order_value"] - last
    due = min(tenure, 365) / usual if usual else 0.0
    return {
        "days_to_payment_anniversary": 365.25 - tenure % 365.25,
        "payments_missed": max(_rounded(silence / usual - 0.75), 0) if usual else 0,
        "payments_missed_365d": max(_rounded(due) - base["orders_365d"], 0),
        "longest_gap_ratio": base["max_gap_days"] / usual if usual else None,
        "last_payment_ratio": last * (orders - 1) / before if orders > 1 and before else None,
        "last_payment_ratio_365d": last * base["orders_365d"] / base["spend_365d"]
        if base["spend_365d"]
        else None,
    }


def _rounded(number: float) -> float:
    """Half away from zero, as SQL rounds."""
    return copysign(floor(abs(number) + 0.5), number)


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
