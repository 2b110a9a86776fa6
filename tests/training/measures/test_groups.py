"""Said beside happened, by band of risk, by number of orders and by age."""

import numpy as np
import pandas as pd

from training.measures.groups import calibration, customer_columns

BANDS = {"medium": 0.25, "high": 0.5, "critical": 0.75}


def judged(**columns):
    return pd.DataFrame({"model": 0.5, "churned": 1.0, "orders": 1.0, "age_days": 10.0, **columns})


def test_customers_are_counted_where_they_belong():
    rows = judged(
        model=[0.1, 0.25, 0.8, 0.9],
        churned=[0.0, 1.0, 1.0, 0.0],
        churn_probability=[0.1, 0.25, 0.8, 0.9],
        orders=[1.0, 2.0, 5.0, 40.0],
        age_days=[3.0, 31.0, 365.0, 366.0],
    )
    found = calibration(rows, "churned", BANDS)
    assert found["band"] == [
        {"from": "low", "customers": 1, "said": 0.1, "happened": 0.0},
        {"from": "medium", "customers": 1, "said": 0.25, "happened": 1.0},
        {"from": "critical", "customers": 2, "said": 1.7000000000000002, "happened": 1.0},
    ]
    assert [one["from"] for one in found["orders"]] == [1, 2, 3, 11]
    assert [one["from"] for one in found["age_days"]] == [0, 31, 181, 366]


def test_each_grouping_adds_up_to_everybody():
    rng = np.random.default_rng(1)
    rows = judged(
        model=rng.random(500),
        churned=rng.integers(0, 2, 500).astype(float),
        churn_probability=rng.random(500),
        orders=rng.integers(1, 30, 500).astype(float),
        age_days=rng.integers(0, 900, 500).astype(float),
    )
    for groups in calibration(rows, "churned", BANDS).values():
        assert sum(group["customers"] for group in groups) == 500
        assert np.isclose(sum(group["said"] for group in groups), rows["model"].sum())
        assert sum(group["happened"] for group in groups) == rows["churned"].sum()


def test_what_is_not_known_has_no_group():
    rows = judged(model=[np.nan, 0.4])
    found = calibration(rows, "churned", BANDS)
    assert "band" not in found
    assert [group["customers"] for group in found["orders"]] == [1]


def test_the_columns_come_from_the_features():
    features = pd.DataFrame({"orders": [3.0], "days_since_first_order": [40.0]})
    rows = pd.DataFrame(customer_columns(features))
    assert rows.to_dict("records") == [{"orders": 3.0, "age_days": 40.0}]
