import pandas as pd
import pytest

from features.errors import ConfigError, DataError
from features.orders.log import check_orders, read_orders
from features.orders.value_basis import REVENUE, ValueBasis, basis_named, value_basis
from features.sources import FrameSource
from tests.support.shop import COLUMNS, FIRST_DAY, order_lines, shop_settings

END = ("z", 199, 0.0, 0.0)


def lines(rows):
    """Order lines of (customer, day, amount, cost or None)."""
    frame = order_lines((customer, day, amount) for customer, day, amount, _ in rows)
    return frame.assign(cost=pd.array([cost for *_, cost in rows], dtype="Float64"))


def settings_for(root, **predict):
    return shop_settings(
        root, data={"columns": {**COLUMNS, "cost": "cost"}}, predict={"horizon_days": 30, **predict}
    )


def basis_of(root, rows, day=200, **predict):
    with read_orders(settings_for(root, **predict), FrameSource(lines(rows))) as log:
        before = FIRST_DAY.date() + pd.Timedelta(days=day)
        return value_basis(log, before, log.settings.predict)


KNOWN = [("a", 1, 60.0, 30.0), ("b", 2, 35.0, 8.0)]


def test_the_cost_of_95_percent_of_the_money_makes_a_margin(tmp_path):
    basis = basis_of(tmp_path, [*KNOWN, ("c", 3, 5.0, None), END])
    assert basis == ValueBasis(name="margin", known_share=0.95, cost_share=38 / 95)
    known = "the cost is known of 95.0% of the money customers paid"
    assert basis.sentence() == f"values are net margin: {known}"


def test_less_is_revenue_and_says_so(tmp_path):
    basis = basis_of(tmp_path, [*KNOWN, ("c", 3, 5.01, None), END])
    assert (basis.name, basis.cost_share, basis.cost_per_order) == ("revenue", 0.0, 0.0)
    assert "margin needs 95%" in basis.sentence()


def test_only_what_is_known_by_the_date_counts(tmp_path):
    rows = [*KNOWN, ("c", 50, 500.0, None), END]
    assert basis_of(tmp_path, rows, day=50).name == "margin"
    assert basis_of(tmp_path, rows, day=51).name == "revenue"


def test_lines_of_nobody_and_returns_say_nothing(tmp_path):
    rows = [*KNOWN, (None, 3, 500.0, None), ("a", 9, -60.0, None), END]
    assert basis_of(tmp_path, rows).known_share == 1.0


def test_revenue_can_be_asked_for(tmp_path):
    basis = basis_of(tmp_path, [*KNOWN, END], value="revenue")
    assert basis.name == "revenue"
    assert basis.sentence().startswith("values are revenue, as predict.value asks, though the cost")


def test_margin_asked_for_without_costs_is_refused_in_words(tmp_path):
    with pytest.raises(ConfigError, match=r"known of 50\.0% .* margin needs 95%"):
        basis_of(tmp_path, [("a", 1, 5.0, 1.0), ("b", 2, 5.0, None), END], value="margin")


def test_a_cost_per_order_with_revenue_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cost_per_order makes a margin"):
        settings_for(tmp_path, value="revenue", cost_per_order=2.0)
    assert basis_of(tmp_path, [*KNOWN, END], cost_per_order=2.0).cost_per_order == 2.0


def test_what_was_said_in_margin_needs_costs_to_be_judged(tmp_path):
    rows = [("a", 1, 5.0, None), END]
    with read_orders(settings_for(tmp_path), FrameSource(lines(rows))) as log:
        assert basis_named(log, "revenue") == REVENUE
        with pytest.raises(DataError, match="cannot be judged"):
            basis_named(log, "margin")


def found(root, rows):
    with check_orders(settings_for(root), FrameSource(lines(rows))) as report:
        return [one for one in report.findings if one.code == "costs_unknown"]


def test_the_doctor_says_which_costs_are_missing(tmp_path):
    (finding,) = found(tmp_path, [*KNOWN, ("c", 3, 5.01, None), END])
    assert (finding.count, finding.unit) == (1, "row")
    assert "revenue" in finding.meaning
    assert finding.share_of_revenue == pytest.approx(5.01 / 100.01)


def test_the_doctor_is_silent_where_costs_are_known_or_nobody_gives_any(tmp_path):
    assert found(tmp_path, [*KNOWN, ("c", 3, 5.0, None), END]) == []
    assert found(tmp_path, [("a", 1, 5.0, None), ("b", 9, 7.0, None)]) == []
