"""Optional tables of a simulated shop, with everything that a feature must cope with."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from serving.settings import Settings
from tests.support.shop import shop_settings

INTERACTIONS = {
    "path": "events.parquet",
    "customer_id": "who",
    "occurred_at": "when",
    "kind": "what",
    "value": "score",
    "other_customer_id": "brought",
    "product_id": "product",
    "category": "category",
    "words": "words",
    "kinds": {"Store Visit": "visit", "mail": "other"},
}
CONTACTS = {
    "path": "sent.parquet",
    "customer_id": "who",
    "contacted_at": "when",
    "campaign": "campaign",
    "cost": "cost",
    "arm": "arm",
}
CUSTOMERS = {
    "path": "people.parquet",
    "customer_id": "id",
    "consent": "may",
    "contact": "mail",
    "attributes": {"age": "Age", "region": "Region"},
    "levels": {"region": {"north": "Nord", "south": "Süd"}},
}
TABLES = {"interactions": INTERACTIONS, "contacts": CONTACTS, "customers": CUSTOMERS}

ACQUISITIONS = {
    "path": "won.parquet",
    "customer_id": "who",
    "acquired_at": "when",
    "channel": "through",
    "cost": "cost",
}
"""A table that brings no feature."""

ENDS = {"cancelled_on": "left", "started_on": "began", "term_months": "term"}
"""What `CUSTOMERS` say beside where there are contracts."""

_SECTIONS = {**TABLES, "acquisitions": ACQUISITIONS}

_WORDS = ["Store Visit", "visit", "enquiry", "quote", "cart", "search", "complaint", "mail"]
_ITEM_COLUMNS = ("product", "category", "words")
NO_ITEMS = {"product_id": None, "category": None, "words": None}
"""Interactions that do not say what they are about."""


def busy_tables(orders: pd.DataFrame, *, seed: int = 7) -> dict[str, pd.DataFrame]:
    """Tables that fit `TABLES`, by their section; nothing in them is put aside but strangers.

    Events at one time, scores with fractions, referrals of strangers, by strangers and of one
    customer by two; contacts without cost and of a control arm; customers without attributes.
    Everything has an `arrived`, which the sections above do not name.
    """
    rng = np.random.default_rng(seed)
    known = sorted(orders["customer"].dropna().unique())
    people = [*known[:-4], "a stranger", "zz stranger"]
    first, days = (
        orders["time"].min().normalize(),
        (orders["time"].max() - orders["time"].min()).days,
    )

    def some(count: int) -> dict[str, Any]:
        when = first + pd.to_timedelta(rng.integers(-60, days, count) * 24 * 60, unit="m")
        hours = pd.to_timedelta(rng.choice([9, 9, 15], count), unit="h")
        late = pd.to_timedelta(rng.choice([0, 0, 5, 50], count), unit="D")
        return {
            "who": rng.choice(people, count),
            "when": when + hours,
            "arrived": when + hours + late,
        }

    plain = pd.DataFrame({**some(900), "what": rng.choice(_WORDS, 900)})
    products = [*sorted(orders["product"].dropna().unique()), None, "never sold"]
    plain["product"] = rng.choice(np.array(products, dtype=object), 900)
    plain["category"] = rng.choice(np.array([None, None, "category 1"], dtype=object), 900)
    plain["words"] = np.where(plain["what"] == "search", "Blue Lamp", None)
    scored = pd.DataFrame(
        {**some(150), "what": "satisfaction", "score": rng.choice([0, 3.5, 7, 9.25, 10], 150)}
    )
    referrals = pd.DataFrame(
        {**some(60), "what": "referral", "brought": rng.choice([*people, "yet another"], 60)}
    )
    referrals = referrals[referrals["who"] != referrals["brought"]]
    twice = referrals.iloc[:8].assign(who=known[-5])
    events = pd.concat([plain, scored, referrals, twice[twice["brought"] != known[-5]]])
    sent = pd.DataFrame(
        {
            **some(300),
            "campaign": rng.choice(["spring", "autumn"], 300),
            "cost": rng.choice([0.25, 1.1, np.nan], 300),
            "arm": rng.choice(["mail", "Control", None], 300),
        }
    )
    noted = pd.DataFrame(
        {
            "id": [*known[2:], "a stranger"],
            "may": rng.choice(["yes", "No", None], len(known) - 1),
            "mail": "somebody@example.org",
            "left": first + pd.to_timedelta(rng.integers(-30, 4 * days, len(known) - 1), unit="D"),
            "Age": rng.choice([31.0, 47.5, np.nan], len(known) - 1),
            "Region": rng.choice(["Nord", "Süd", "West", None], len(known) - 1),
        }
    )
    # some begin before their first order, some after it, some nobody knows when
    began = first + pd.to_timedelta(rng.integers(-1500, days // 2, len(noted)), unit="D")
    noted["began"] = began.where(rng.random(len(noted)) < 0.9)
    noted["term"] = rng.choice([1.0, 12, 24, np.nan], len(noted))
    return {
        "interactions": events.drop_duplicates(ignore_index=True),
        "contacts": sent.drop_duplicates(ignore_index=True),
        "customers": noted,
    }


def write_tables(tables: dict[str, pd.DataFrame], root: Path) -> None:
    """Write the tables where `TABLES` looks for them."""
    for section, table in tables.items():
        if section == "interactions":
            lacking = [name for name in _ITEM_COLUMNS if name not in table]
            table = table.assign(**{name: pd.Series(dtype="str") for name in lacking})  # noqa: PLW2901
        table.to_parquet(root / str(_SECTIONS[section]["path"]))


def settings_with(root: Path, *sections: str, **more: dict[str, Any]) -> Settings:
    """Settings of a simulated shop with these optional tables; `more` changes them."""
    data = {section: {**_SECTIONS[section], **more.get(section, {})} for section in sections}
    return shop_settings(root, data=data)
