"""Histories from purchases, and the pictures of them, by hand."""

import matplotlib as mpl
import pandas as pd
import pytest

from features.errors import DataError
from training.estimators import purchase_plots as plots
from training.estimators.customer_summary import (
    PurchaseColumns,
    calibration_and_holdout,
    customer_summary,
    repeats_by_period,
)
from training.estimators.purchase_models import ModifiedBetaGeometricModel

BOUGHT = PurchaseColumns("who", "when", "paid")
PURCHASES = pd.DataFrame(
    [
        ("ann", "2024-01-01 09:00", 10.0),
        ("ann", "2024-01-01 17:00", 5.0),
        ("ann", "2024-01-05", 20.0),
        ("ann", "2024-01-11", 40.0),
        ("bob", "2024-01-03", 7.0),
        ("cid", "2024-01-08", 8.0),
        ("cid", "2024-01-12", 9.0),
    ],
    columns=["who", "when", "paid"],
)


def test_a_history_by_hand():
    table = customer_summary(PURCHASES, BOUGHT, until="2024-01-12")
    assert table.loc["ann"].tolist() == [2.0, 10.0, 11.0, 30.0]
    assert table.loc["bob"].tolist() == [0.0, 0.0, 9.0, 0.0]
    weeks = customer_summary(PURCHASES, PurchaseColumns("who", "when"), unit="W")
    assert weeks.loc["ann"].tolist() == [1.0, 1.0, 1.0]
    assert list(weeks) == ["frequency", "recency", "T"]


def test_a_holdout_by_hand():
    table = calibration_and_holdout(PURCHASES, BOUGHT, calibrated_until="2024-01-06")
    assert table.index.tolist() == ["ann", "bob"]
    assert table["frequency"].tolist() == [1.0, 0.0]
    assert table["holdout_frequency"].tolist() == [1.0, 0.0]
    assert table["holdout_value"].tolist() == [40.0, 0.0]
    assert table["holdout"].tolist() == [6.0, 6.0]


def test_repeats_by_day():
    first, repeats = repeats_by_period(PURCHASES, BOUGHT)
    assert first.tolist() == [0.0, 2.0, 7.0]
    assert repeats.tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("columns", "arguments", "why"),
    [
        (PurchaseColumns("who", "day"), {}, "no column 'day'"),
        (BOUGHT, {"unit": "M"}, "'D' or 'W'"),
        (BOUGHT, {"until": "2023-01-01"}, "none until"),
    ],
)
def test_what_cannot_be_summed_up_is_refused(columns, arguments, why):
    with pytest.raises(DataError, match=why):
        customer_summary(PURCHASES, columns, **arguments)


@pytest.fixture(scope="module")
def model():
    mpl.use("agg")
    table = customer_summary(PURCHASES, BOUGHT)
    return ModifiedBetaGeometricModel(penalty=0.1).fit(
        table["frequency"], table["recency"], table["T"]
    )


def test_pictures_are_drawn_from_their_tables(model):
    matrix = plots.frequency_recency_matrix(model, 30, T=100, most_orders=5, steps=4)
    assert matrix.loc[100.0, 5.0] == model.expected_orders(30, [5], [100], [100])[0]
    assert matrix.loc[25.0].isna().tolist() == [True] + [False] * 5
    assert plots.plot_frequency_recency(model, None, T=100, most_orders=5).get_xlabel()
    history = plots.p_alive_history(model, [3, 7, 13], 20)
    assert history.loc[5.0] == model.p_alive([1.0], [4.0], [5.0])[0]
    assert history.loc[20.0] < history.loc[10.0]
    assert len(plots.plot_p_alive_history(model, [3, 7, 13], 20).lines) == 1
    table = calibration_and_holdout(PURCHASES, BOUGHT, calibrated_until="2024-01-06")
    calibration = plots.holdout_calibration(model, table)
    assert calibration["customers"].sum() == 2
    assert calibration["came"].tolist() == [0.0, 1.0]
    assert len(plots.plot_holdout_calibration(model, table).lines) == 2
    density = plots.heterogeneity(model)
    assert density["rate"].is_monotonic_increasing
    assert len(plots.plot_heterogeneity(model).lines) == 1


def test_tracking_follows_every_newcomer(model):
    table = plots.tracking(model, PURCHASES, BOUGHT)
    assert table["came_so_far"].iloc[-1] == 3
    # at the end of the last day the three have been there for 11, 9 and 4 days
    newcomers = model.expected_orders_of_newcomer([11, 9, 4]).sum()
    assert table["expected_so_far"].iloc[-1] == pytest.approx(newcomers)
    assert table["expected"].sum() == pytest.approx(newcomers)
    drawn = plots.plot_tracking(model, PURCHASES, BOUGHT, calibrated_until=6)
    assert len(drawn.lines) == 3
