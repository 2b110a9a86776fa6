"""A small score run with the shape of a real one, the same for the same seed."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd

from serving.scoring.answers import PRODUCT_FIELDS
from serving.store.likely_buyers import ItemBuyers, ItemForecast, ListedBuyer
from serving.store.run import RunInfo

AS_OF = date(2026, 3, 1)
GROUPS = (
    "important_value",
    "important_keep",
    "important_develop",
    "important_win_back",
    "general_value",
    "general_keep",
    "general_develop",
    "general_win_back",
)
PRODUCTS = (
    ("P-100", "Tea light holder, glass", "Home"),
    ("P-101", "Paper chain kit, vintage", "Party"),
    ("P-102", "Lunch bag, red spots", "Kitchen"),
    ("P-103", "Jam making set", "Kitchen"),
    ("P-104", "Wooden frame, antique white", "Home"),
    ("P-105", None, None),
)


MIDDLES = (180 / 365.25, 405 / 365.25)
"""Of the years after 90 days of a lifetime of a year and a half: four periods, and one."""

DISCOUNTS = tuple(1.1**-middle for middle in MIDDLES)


def run_info(run_id="run-1", **changes) -> RunInfo:
    values = {
        "run_id": run_id,
        "as_of": AS_OF,
        "horizon_days": 90,
        "currency": "GBP",
        "created_at": datetime(2026, 3, 1, 4, 30, tzinfo=UTC),
        "data_fingerprint": "3f6a1c90d2",
        "models": {
            "regulars-churn": {"version": "4", "grade": "B"},
            "regulars-value": {"version": "7", "grade": "A"},
        },
        "clv_basis": "revenue",
        "lifetime_years": 1.5,
        "discount_rate_per_year": 0.1,
        "segment_columns": ("rfm_cell", "rfm_group", "abc", "lifecycle"),
        "risk_bands": {"medium": 0.25, "high": 0.5, "critical": 0.75},
    }
    return RunInfo(**{**values, **changes})


def score_tables(customers=300, *, seed=1, ids=None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and recommendations of `customers` customers, or of exactly `ids`."""
    rng = np.random.default_rng(seed)
    ids = [f"{12_000 + 7 * n:06d}" for n in range(customers)] if ids is None else list(ids)
    scores = _scores(ids, rng)
    scores["reasons"] = [_reasons(*row) for row in _pairs(scores)]
    scores["factors"] = '{"risk":{"rhythm":0.5},"value":{"spend":-0.25}}'
    scores["since_last_run"] = None
    scores[["contact_effect", "contact_effect_low", "contact_effect_high"]] = np.nan
    scores["expected_profit"] = scores["value_at_risk"] * 0.05 * 0.3 - 0.1
    scores["suggested_action"] = np.where(scores["expected_profit"] > 0, "reminder", "leave")
    scores["name"] = pd.Series([None] * len(scores), dtype="str")
    scores["contact_hash"] = pd.Series([None] * len(scores), dtype="str")
    scores["consent"] = pd.array([None] * len(scores), dtype="boolean")
    return scores, _recommendations(ids, rng)


def _pairs(scores):
    return zip(scores["days_since_last_order"], scores["usual_gap_days"], strict=True)


def _scores(ids, rng) -> pd.DataFrame:
    n = len(ids)
    gap = rng.gamma(3.0, 14.0, n)
    silence = gap * rng.gamma(1.5, 0.9, n)
    churn = np.clip(1 / (1 + np.exp(-(silence / gap - 2.2))) + rng.normal(0, 0.06, n), 0.01, 0.99)
    orders = rng.integers(1, 40, n)
    order_value = rng.lognormal(3.4, 0.7, n)
    one_order = orders == 1
    given_order = np.maximum(90 / gap, 1.0)
    if_order = order_value * given_order
    clv = if_order * (1 - churn)
    wait = np.maximum(1, gap - silence * 0.4)
    return pd.DataFrame(
        {
            "customer_id": pd.Series(ids, dtype="str"),
            "status": np.where(one_order, "one_order", "scored"),
            "churn_probability": churn,
            "churn_percentile": pd.Series(churn).rank(pct=True),
            "retention_risk": _risk(churn),
            "rhythm": np.select(
                [silence > 2 * gap, silence > 1.5 * gap], ["overdue", "late"], "on_time"
            ),
            "p_alive": 1 - churn * 0.8,
            "p_order": 1 - churn,
            "expected_orders_given_order": given_order,
            "expected_orders": (1 - churn) * given_order,
            "expected_order_value": order_value,
            "clv": clv,
            "clv_low": np.where(churn < 0.1, if_order * 0.3, 0.0),
            "clv_median": np.where(churn < 0.5, if_order * 0.6, 0.0),
            "clv_high": np.where(churn < 0.9, if_order * 1.2, 0.0),
            "value_if_order": if_order,
            "value_if_order_low": if_order * 0.4,
            "value_if_order_high": if_order * 1.6,
            "referral_value": np.nan,
            "next_categories": '[{"category":"Home","probability":0.25}]',
            "clv_lifetime": clv * 3.1,
            **_terms(clv),
            "value_at_risk": order_value * 90 / gap * churn,
            "value_at_risk_pace": np.where(one_order, "comparable", "own"),
            "next_order_date": _days(wait),
            "next_order_low": _days(wait * 0.4),
            "next_order_high": _days(wait * 2.4),
            "at_risk_on": _days(wait * 1.7),
            "p_order_7d": (1 - churn) * 0.2,
            "p_order_30d": (1 - churn) * 0.6,
            "p_order_90d": 1 - churn,
            "orders": orders,
            "spend": order_value * orders,
            "first_order_date": _days(-silence - gap * orders),
            "last_order_date": _days(-silence),
            "days_since_last_order": silence,
            "usual_gap_days": np.where(one_order, np.nan, gap),
            "rfm_cell": ["".join(cell) for cell in rng.integers(1, 6, (n, 3)).astype(str)],
            "rfm_group": rng.choice(GROUPS, n),
            "abc": rng.choice(["A", "B", "C"], n, p=[0.2, 0.3, 0.5]),
            "lifecycle": rng.choice(["growth", "stable", "decline"], n),
        }
    )


def _terms(clv) -> dict:
    """Costs are half of what is paid; what comes later is worth 1.5 and 0.6 of the horizon."""
    terms = {}
    for year, (present, factor) in enumerate(zip((1, 1.5, 0.6), (1, *DISCOUNTS), strict=True)):
        terms[f"lifetime_revenue_{year}"] = clv * present / factor * 2
        terms[f"lifetime_cost_{year}"] = clv * present / factor
        terms[f"lifetime_present_value_{year}"] = clv * present
    return terms


def _days(offsets) -> list[date | None]:
    return [AS_OF + timedelta(days=int(offset)) for offset in offsets]


def _risk(churn) -> list[str]:
    bands = np.array(["low", "medium", "high", "critical"])
    return bands[np.digitize(churn, [0.25, 0.5, 0.75])].tolist()


def _reasons(silence, gap) -> list[dict]:
    if np.isnan(gap):
        return []
    late = silence > gap
    return [
        {
            "code": "silent" if late else "within_rhythm",
            "about": "risk",
            "effect": "raises_risk" if late else "lowers_risk",
            "figures": {"silence": round(float(silence), 1), "every": round(float(gap), 1)},
            "text": {
                "en": f"Last ordered {silence:.0f} days ago; usually every {gap:.0f} days.",
                "zh": f"上次下单在 {silence:.0f} 天前，平时每 {gap:.0f} 天一次。",
            },
        },
        {
            "code": "regular",
            "about": "value",
            "effect": "raises_value",
            "figures": {},
            "text": {
                "en": f"Orders regularly, about every {gap:.0f} days.",
                "zh": f"下单有规律，约每 {gap:.0f} 天一次。",
            },
        },
    ]


def _recommendations(ids, rng) -> pd.DataFrame:
    whys = (
        {"code": "every_n_days", "days": 21, "last_days_ago": 25},
        {
            "code": "bought_with",
            "product_id": "P-101",
            "product_name": "Paper chain kit, vintage",
        },
        {"code": "popular"},
    )
    rows = [
        {
            "customer_id": customer_id,
            "rank": rank,
            "product_id": PRODUCTS[product][0],
            "score": 1 / (rank + 1),
            "kind": "repeat" if rank % 2 else "new",
            "product_name": PRODUCTS[product][1],
            "category": PRODUCTS[product][2],
            "why": whys[(rank - 1) % 3],
        }
        for customer_id in ids
        for rank, product in enumerate(rng.permutation(len(PRODUCTS)), start=1)
    ]
    columns = ["customer_id", *PRODUCT_FIELDS]
    return pd.DataFrame(rows, columns=columns)


def likely_buyers(kind, name, customers, **changes) -> ItemBuyers:
    """An item's list: chances from 0.5 down, all but the first have bought it before."""
    forecast = {
        "kind": kind,
        "item_id": name,
        "name": "Green tea" if kind == "product" else None,
        "category": "tea/leaf" if kind == "product" else None,
        "past_buyers": 9,
        "expected": 7.25,
        "low": 4,
        "high": 11,
    }
    listed = [
        ListedBuyer(customer, round(0.5 - 0.01 * place, 4), place, 3 if place else None)
        for place, customer in enumerate(customers)
    ]
    return ItemBuyers(forecast=ItemForecast(**{**forecast, **changes}), listed=listed)
