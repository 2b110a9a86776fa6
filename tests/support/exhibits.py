"""What a run of `tests.support.scores` shows as a whole, in the shapes of `serving.exhibits`."""

from serving.store.run import RISKS

TEXT = {"en": "Counted so.", "zh": "如此计算。"}


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
            "low": 21_000.0,
            "high": 32_000.0,
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
                    "churn_low": 161.5,
                    "churn_high": 198.5,
                    "churn_happened": 171,
                    "churn_kept": True,
                    "value_said": 25_000.0,
                    "value_happened": 24_000.0,
                }
            ],
            "bands": [
                {
                    "band": band,
                    "customers": 103,
                    "said": said,
                    "low": said - 7,
                    "high": said + 7,
                    "happened": happened,
                    "kept": abs(happened - said) <= 7,
                }
                for band, said, happened in zip(
                    RISKS, (85, 60, 30, 9), (88, 55, 21, 7), strict=True
                )
            ],
            "churn": {"deciles": [], "levels": []},
            "value": {"deciles": [], "levels": []},
        }
    ),
}
"""Name → what is published with a run."""
