"""What a run of `tests.support.scores` shows as a whole, in the shapes of `serving.exhibits`."""

from serving.store.run import RISKS

TEXT = {"en": "Counted so.", "zh": "如此计算。"}


def _part(part, name, customers, gain, low, high):
    """A part of two versions beside each other."""
    return {
        "part": part,
        "of": name,
        "customers": customers,
        "gain": gain,
        "low": low,
        "high": high,
    }


def _shown(data):
    return {"title": TEXT, "method": TEXT, "data": data, "why_not": None}


def _window(start, end, revenue):
    return {
        "from": start,
        "to": end,
        "revenue": revenue,
        "revenue_of_known": revenue / 2,
        "value": revenue,
        "value_of_known": revenue / 2,
        "orders": 1200,
        "customers": 700,
    }


STAGE_COLUMNS = (
    "stage",
    "people",
    "waiting",
    "entered",
    "conversion",
    "median_days",
    "purchase_share",
    "on_the_way",
    "expected_sales",
)


def _stage(*values):
    return dict(zip(STAGE_COLUMNS, values, strict=True))


def _worth(customers, realised, expected, cost=None, payback_month=None):
    return {
        "customers": customers,
        "realised": realised,
        "expected": expected,
        "customers_with_cost": customers if cost is not None else 0,
        "cost": cost,
        "payback_month": payback_month,
    }


def _cohort(month, *worth, is_mixed=False):
    return {"cohort": month, **_worth(*worth), "is_mixed": is_mixed}


def _origin(group, *worth, is_others=False):
    return {"group": group, "is_others": is_others, **_worth(*worth)}


def _acquired(group, customers, acquired, cost):
    return {
        "group": group,
        "is_others": False,
        "customers": customers,
        "acquired": acquired,
        "customers_with_cost": customers,
        "cost": cost,
    }


def _pair(first, second, name):
    return {
        "first": first,
        "second": second,
        "first_name": name,
        "second_name": None,
        "orders_first": 200,
        "orders_second": 100,
        "orders_both": 50,
        "support": 0.05,
        "confidence": 0.25,
        "confidence_back": 0.5,
        "lift": 2.5,
        "correlation": 0.25,
    }


def _amounts(expected, low, high, **beside):
    return {"expected": expected, "low": low, "high": high, **beside}


EXHIBITS = {
    "monthly": _shown(
        {
            "months": [f"2025-{month:02d}" for month in range(1, 13)] + ["2026-01", "2026-02"],
            "orders": [400] * 14,
            "customers": [250] * 14,
            "revenue": [9000.0 + 800 * (number % 5) for number in range(13)] + [4100.0],
            "revenue_anonymous": [0.0] * 14,
            "whole": [True] * 13 + [False],
        }
    ),
    "same_days_last_year": _shown(
        {
            "last_year": _window("2025-03-01", "2025-05-29", 28_000.0),
            "recent": _window("2025-12-01", "2026-02-28", 30_000.0),
        }
    ),
    "expected_revenue": _shown(
        {
            "basis": "revenue",
            "customers": 300,
            "expected": 26_500.0,
            "low": 21_000.6,
            "high": 32_000.4,
            "level": 0.8,
            "unmoved": 25_000.0,
            "carried_over": {"en": "The total is multiplied by 1.06.", "zh": "总额乘以 1.06。"},
            "occasions": [0.05, -0.08],
            "months": [
                {"month": "2026-03", "from": "2026-03-01", "expected": 26_500.0}
                | {"low": 21_000.0, "high": 32_000.0}
            ],
        }
    ),
    "since_last_run": _shown(
        {
            "run_id": "run-0",
            "as_of": "2026-02-01",
            "arrived": 12,
            "left": 3,
            "moves": [
                {"before": before, "now": now, "customers": 7, "value_at_risk": 70.0}
                for before in RISKS
                for now in RISKS
            ],
            "stages": [
                {"before": "stable", "now": "stable", "customers": 120},
                {"before": "growth", "now": "stable", "customers": 15},
                {"before": "stable", "now": "decline", "customers": 9},
                {"before": None, "now": "exploration", "customers": 12},
                {"before": "decline", "now": None, "customers": 3},
            ],
        }
    ),
    "promise": _shown(
        {
            "source": "runs",
            "runs": [
                {
                    "run_id": "run-0",
                    "as_of": "2025-11-01",
                    "horizon_days": 90,
                    "customers": 412,
                    "churn_said": 180.0,
                    "churn_low": 162,
                    "churn_high": 198,
                    "churn_happened": 171,
                    "churn_kept": True,
                    "value_said": 25_000.0,
                    "value_happened": 24_000.0,
                }
            ],
            "bands": [
                {
                    "band": band,
                    "customers": customers,
                    "said": said,
                    "low": said - 7,
                    "high": said + 7,
                    "happened": happened,
                    "kept": abs(happened - said) <= 7,
                }
                for band, customers, said, happened in zip(
                    RISKS, (93, 103, 103, 103), (85, 60, 30, 9), (88, 55, 21, 7), strict=True
                )
            ],
            "churn": {"deciles": [], "levels": []},
            "value": {"deciles": [], "levels": []},
        }
    ),
    "expected_new_customers": _shown(
        {
            "basis": "revenue",
            "expected": 3_100.0,
            "low": 2_400.0,
            "high": 3_900.0,
            "level": 0.8,
            "recent": 3_000.0,
            "recent_from": "2025-12-01",
            "occasions": [0.1],
            "months": [
                {"month": "2026-03", "from": "2026-03-01"} | _amounts(3_100.0, 2_400.0, 3_900.0)
            ],
        }
    ),
    "revenue_ahead": _shown(
        {
            "basis": "revenue",
            "level": 0.8,
            "months": [
                {
                    "month": "2026-03",
                    "from": "2026-03-01",
                    "today": _amounts(26_500.0, 21_000.0, 32_000.0),
                    "new": _amounts(3_100.0, 2_400.0, 3_900.0),
                    "together": _amounts(29_600.0, 23_400.0, 35_900.0),
                }
            ],
            "total": {
                "today": _amounts(26_500.0, 21_000.6, 32_000.4),
                "new": _amounts(3_100.0, 2_400.0, 3_900.0),
                "together": _amounts(29_600.0, 23_400.6, 35_900.4),
            },
            "kept": [
                {
                    "month": "2026-02",
                    "run_id": "run-0",
                    "as_of": "2026-02-01",
                    "today": _amounts(9_000.0, 7_500.0, 10_800.0, came=8_123.0, is_within=True),
                    "together": None,
                }
            ],
            "kept_within": 1,
        }
    ),
    "customer_assets": _shown(
        {
            "basis": "revenue",
            "lifetime_years": 5.0,
            "discount_rate_per_year": 0.1,
            "customers": 300,
            "closing": 90_500.0,
            "closing_low": 70_000.0,
            "closing_high": 110_000.0,
            "ledger": {
                "run_id": "run-0",
                "from": "2026-02-01",
                "to": "2026-03-01",
                "days": 28,
                "opening": 90_000.0,
                "passing": 660.0,
                "acquired": 6_000.0,
                "ordered": 4_000.0,
                "silent": -2_060.0,
                "lost": -100.0,
                "realised": 8_000.0,
                "closing": 90_500.0,
                "customers_before": 291,
                "customers_acquired": 12,
                "customers_lost": 3,
                "models_changed": True,
                "customers_with_cost": 12,
                "acquisition_cost": 240.0,
                "acquired_by": {
                    "channel": [
                        _acquired("search", 8, 4_500.0, 200.0),
                        _acquired("friends", 4, 1_500.0, 40.0),
                    ]
                },
                "orders": {"all": 9_000.0, "of_nobody_known": 1_000.0, "orders": 160},
            },
            "cohorts": [
                _cohort(None, 100, 60_000.0, 30_000.0, is_mixed=True),
                _cohort("2026-01", 188, 9_000.0, 55_000.0, 3_760.0, 1),
                _cohort("2026-02", 12, 800.0, 5_500.0, 240.0),
            ],
            "origins": {
                "channel": [
                    _origin("search", 200, 50_000.0, 70_000.0, 4_000.0, 2),
                    _origin("friends", 70, 18_000.0, 19_000.0),
                    _origin(None, 30, 1_800.0, 1_500.0, is_others=True),
                ],
                "product": [_origin("Loaf <1>", 300, 69_800.0, 90_500.0)],
            },
            "has_acquisition_costs": True,
        }
    ),
    "customer_loss": _shown(
        {
            "period_days": 365,
            "from": "2024-03-01",
            "to": "2026-02-28",
            "active_before": 200,
            "lost": 40,
            "acquired": 60,
            "won_back": 5,
            "active_now": 225,
            "loss": 0.2,
            "loss_low": 0.1663,
            "loss_high": 0.2386,
            "lifetime_years": 5.0,
            "lifetime_years_low": 4.18,
            "lifetime_years_high": 6.01,
            "to_replace": 45,
            "margin_per_customer": 90.0,
            "basis": "revenue",
            "discount_rate_per_year": 0.1,
            "discount_rate_per_period": 0.1,
            "worth_per_customer": 330.0,
            "worth_of_one_point": 2560.34,
            "customers_with_cost": 50,
            "acquisition_cost": 12.5,
            "cost_to_replace": 562.5,
        }
    ),
    "funnel": _shown(
        {
            "within_days": 90,
            "stages": [
                _stage("awareness", 500, 220, 400, 0.3, 9.0, 0.1, 30, 150.0),
                _stage("interest", 280, 80, 200, 0.5, 4.0, 0.2, 10, 100.0),
                _stage("decision", 200, 60, 150, 0.7, 2.0, 0.7, 5, 175.0),
                _stage("purchase", 140, 90, 120, 0.4, 40.0, None, 20, None),
                _stage("loyalty", 50, 50, 40, None, None, None, 0, None),
            ],
            "bottleneck": "awareness",
            "never_bought": 360,
            "prospects": [
                {
                    "stage": "decision",
                    "silent_days_from": 8,
                    "people": 60,
                    "propensity": 0.25,
                    "expected_buyers": 15.0,
                }
            ],
        }
    ),
    "versions_compared": _shown(
        {
            "models": {
                "churn": [
                    {
                        "task": "churn",
                        "measure": "log_loss",
                        "version": "3",
                        "other": "2",
                        "table": [
                            _part("all", "folds", 400, 0.031, 0.012, 0.05),
                            _part("fold", "2025-09-01", 200, 0.04, -0.01, 0.09),
                            _part("orders so far, from", "2", 90, -0.02, -0.06, -0.01),
                            _part("tenth of the prediction", "10", 40, 0.0, None, None),
                        ],
                        "baseline": None,
                    },
                    {
                        "task": "churn",
                        "measure": "log_loss",
                        "version": "3",
                        "other": "1",
                        "table": [
                            {**_part("all", "folds", 400, 0.2, 0.1, 0.3), "version": "3"},
                            {**_part("all", "folds", 300, 0.15, 0.05, 0.25), "version": "1"},
                        ],
                        "baseline": "inactivity rule",
                    },
                ]
            }
        }
    ),
    "looked_at": _shown(
        {
            "within_days": 90,
            "items": {
                "category": [
                    {
                        "item": "bread",
                        "name": None,
                        "people": 80,
                        "entered": 60,
                        "on_the_way": 10,
                        "conversion": 0.25,
                        "expected_sales": 50.0,
                    }
                ]
            },
            "words": [
                {
                    "words": "rye bread",
                    "people": 12,
                    "searches": 30,
                    "entered": 8,
                    "conversion": 0.5,
                }
            ],
        }
    ),
    "bought_together": _shown(
        {
            "window_days": 365,
            "rule": TEXT,
            "items": {
                "category": {
                    "orders": 1000,
                    "pairs": [_pair("bread", "milk", None)],
                    "matrix": {"items": ["bread", "milk"], "lift": [[None, 2.5], [2.5, None]]},
                },
                "product": {
                    "orders": 1000,
                    "pairs": [_pair("p1", "p2", "Loaf <1>")],
                    "matrix": None,
                },
            },
        }
    ),
}
"""Name → what is published with a run."""
