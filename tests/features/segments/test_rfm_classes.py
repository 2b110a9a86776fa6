"""The four classes of RFM on customers whose class is obvious."""

import pandas as pd
import pytest

from features.segments.rfm_classes import RfmClasses

SCORES = range(1, 6)
CUTS = {
    # scores 1 to 5 are the numbers 1 to 5; of recency their negative is a silence
    "recency_edges": [1.5, 2.5, 3.5, 4.5],
    "frequency_edges": [1.5, 2.5, 3.5, 4.5],
    "money_edges": [1.5, 2.5, 3.5, 4.5],
}


def class_of(r: int, f: int, m: int) -> str:
    frame = pd.DataFrame(
        {"days_since_last_order": [-float(r)], "orders_365d": [float(f)], "spend_365d": [float(m)]}
    )
    return str(RfmClasses().assign(frame, CUTS)["rfm_class"].iloc[0])


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("555", "high_value"),
        ("444", "high_value"),
        ("153", "worth_saving"),
        ("255", "worth_saving"),
        ("152", "between"),
        ("511", "new_customer"),
        ("422", "new_customer"),
        ("111", "low_value"),
        ("322", "low_value"),
        ("333", "between"),
        ("515", "between"),
    ],
)
def test_the_class_of_a_cell(cell, expected):
    assert class_of(*map(int, cell)) == expected


def test_the_same_customers_have_the_scores_of_rfm():
    frame = pd.DataFrame(
        {
            "days_since_last_order": [1.0, 2, 3, 4, 5],
            "orders_365d": [50.0, 40, 30, 20, 10],
            "spend_365d": [9.0, 8, 7, 6, 5],
        }
    )
    assert list(RfmClasses().assign(frame)["rfm_class"]) == [
        "high_value",
        "high_value",
        "between",
        "low_value",
        "low_value",
    ]
