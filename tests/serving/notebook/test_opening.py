"""Orders from settings, files and frames; what a shop's folder holds."""

import pandas as pd
import pytest

import regulars
from features.errors import ConfigError
from tests.support.shop import COLUMNS, FIRST_DAY, shop_settings, simulate_orders

DATA = {"currency": "EUR", "columns": COLUMNS}


@pytest.fixture
def frame(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return simulate_orders(customers=40, days=200)


def test_a_frame_a_file_and_settings_give_the_same_log(frame, tmp_path):
    frame.to_parquet("orders.parquet")
    settings = shop_settings(tmp_path)
    with (
        regulars.read_orders(frame, {"data": DATA}) as of_frame,
        regulars.read_orders("orders.parquet", {"data": DATA}) as of_file,
        regulars.read_orders(settings) as of_settings,
        regulars.read_orders(settings, regulars.FrameSource(frame)) as of_source,
    ):
        logs = (of_frame, of_file, of_settings, of_source)
        assert {log.report.orders for log in logs} == {frame["order"].nunique()}
        assert len({log.fingerprint for log in logs}) == 1
        tables = [regulars.features(log) for log in logs]
        assert all(table.equals(tables[0]) for table in tables)


def test_settings_are_told_by_the_orders_where_none_are_given(frame):
    told = frame.drop(columns="discount")
    told.to_csv("orders.csv", index=False)
    with regulars.read_orders("orders.csv") as log, regulars.read_orders(told) as of_frame:
        assert log.report.orders == of_frame.report.orders == frame["order"].nunique()
        assert "customer_id from 'customer'" in log.notes[0]


def test_a_closed_log_is_closed(frame):
    log = regulars.read_orders(frame, {"data": DATA})
    log.close()
    with pytest.raises(Exception, match="closed"):
        log.products()


@pytest.mark.parametrize(
    ("orders", "settings", "why"),
    [
        (regulars.FrameSource(pd.DataFrame({"a": [1]})), None, "a source needs them"),
        (pd.DataFrame({"a": [1.5, 2.5]}), None, "cannot tell"),
        ("orders.parquet", 7, "a dictionary"),
        (7, {"data": DATA}, "a path, a frame or Settings"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_line(orders, settings, why, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=why):
        regulars.read_orders(orders, settings)


def test_labels_are_what_the_customers_of_the_features_did(frame):
    with regulars.read_orders(frame, {"data": DATA}) as log:
        cutoff = (FIRST_DAY + pd.Timedelta(days=120)).date()
        table, labels = regulars.features(log, cutoff), regulars.labels(log, cutoff, 30)
    assert table.index.equals(labels.index)
    days = (frame["time"].dt.normalize() - FIRST_DAY).dt.days
    window = frame[(days >= 120) & (days < 150) & frame["customer"].isin(table.index)]
    orders = window.groupby("customer")["order"].nunique().reindex(table.index, fill_value=0)
    assert labels["orders"].tolist() == orders.tolist()


def test_a_date_may_be_text_and_a_window_must_be_covered(frame):
    with regulars.read_orders(frame, {"data": DATA}) as log:
        cutoff = (FIRST_DAY + pd.Timedelta(days=120)).date()
        assert regulars.features(log, cutoff.isoformat()).equals(regulars.features(log, cutoff))
        with pytest.raises(ConfigError, match='such as "2024-06-01"'):
            regulars.features(log, "01.06.2024")
        with pytest.raises(ConfigError, match="cover 0 of the 30 days"):
            regulars.labels(log, log.end, 30)
        with pytest.raises(ConfigError, match="at least 1"):
            regulars.labels(log, cutoff, 0)


def test_a_file_of_orders_becomes_a_shop(tmp_path):
    frame = simulate_orders(customers=20)
    frame.to_csv(tmp_path / "orders.csv", index=False)
    shop = regulars.Shop.init(tmp_path / "orders.csv", tmp_path / "shop")
    assert any("customer_id from 'customer'" in note for note in shop.notes)
    with shop.orders() as log:
        assert log.report.rows_read == len(frame)
    with pytest.raises(ConfigError, match="exists already"):
        regulars.Shop.init(tmp_path / "orders.csv", tmp_path / "shop")
    frame[["amount"]].to_csv(tmp_path / "money.csv", index=False)
    with pytest.raises(ConfigError, match="cannot tell"):
        regulars.Shop.init(tmp_path / "money.csv", tmp_path / "other")
