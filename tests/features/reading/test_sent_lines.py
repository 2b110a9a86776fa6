"""Orders that were sent are read as if they stood in the files, and never beside them."""

from datetime import datetime

import pandas as pd
import pytest

from features.orders.histories import file_lines, told_beside
from features.orders.log import check_orders, read_orders
from features.reading.sent_lines import SENT_FILE, SentOrderLine
from features.sources import FrameSource
from tests.support.sent import typed_lines_of
from tests.support.shop import shop_settings, simulate_orders

LAST = 15


@pytest.fixture(scope="module")
def orders():
    return simulate_orders(customers=30, days=120, seed=3, taste_days=60)


@pytest.fixture
def settings(tmp_path):
    return shop_settings(tmp_path)


def sent_of(orders, settings, **changes) -> list[SentOrderLine]:
    return [
        SentOrderLine(customer, line._replace(**changes))
        for customer, lines in typed_lines_of(orders, settings.data).items()
        for line in lines
    ]


def without_the_last(orders):
    return orders[~orders["order"].isin(orders["order"].unique()[-LAST:])]


def told(settings, source, **options):
    with read_orders(settings, source, **options) as log:
        report = log.report
        return log.fingerprint, report.rows_read, report.rows_used, report.orders, report.revenue


def absorbed(settings, source, sent) -> int:
    with read_orders(settings, source, sent=sent) as log:
        return log.connection.execute("SELECT count(*) FROM absorbed_lines").fetchone()[0]


def test_files_and_orders_sent_are_the_whole_log(orders, settings):
    whole = told(settings, FrameSource(orders))
    files, sent = without_the_last(orders), sent_of(orders, settings)
    assert told(settings, FrameSource(files), sent=sent) == whole
    assert absorbed(settings, FrameSource(files), sent) == len(files)
    assert told(settings, FrameSource(orders), sent=sent) == whole


def test_they_are_read_with_any_kind_of_source(orders, settings, tmp_path):
    whole = told(settings, FrameSource(orders))
    without_the_last(orders).to_csv(tmp_path / "orders.csv", index=False)
    data = settings.data.model_copy(update={"transactions": "orders.csv"})
    from_csv = settings.model_copy(update={"data": data})
    assert told(from_csv, None, sent=sent_of(orders, settings))[1:] == whole[1:]


def test_without_order_ids_a_day_is_an_order(orders, tmp_path):
    settings = shop_settings(tmp_path, data={"columns": columns_without("order_id")})
    files = orders.drop(columns="order")
    days = files["time"].dt.date
    earlier = files[days < sorted(days.unique())[-3]]
    sent = sent_of(orders, settings, order_id=None)
    assert absorbed(settings, FrameSource(earlier), sent) == len(earlier)
    whole = told(settings, FrameSource(files))
    assert told(settings, FrameSource(earlier), sent=sent) == whole


def columns_without(name):
    from tests.support.shop import COLUMNS

    return {field: column for field, column in COLUMNS.items() if field != name}


def test_rows_in_are_used_or_quarantined(orders, settings):
    (good, *_) = sent_of(orders, settings, order_id="new")
    bad = [
        SentOrderLine("c", good.line._replace(order_id="b1", amount=None)),
        SentOrderLine(None, good.line._replace(order_id="b2")),
        SentOrderLine("c", good.line._replace(order_id="b3", quantity=None)),
        SentOrderLine("d", good.line._replace(order_id="b4", amount=-5, quantity=-1.0)),
    ]
    with check_orders(settings, FrameSource(orders), sent=[good, *bad]) as report:
        assert report.rows_read == len(orders) + 5
        assert report.rows_used + report.rows_quarantined == report.rows_read
        assert report.source == "frame and 5 lines sent to the server"
        counts = {count.reason: count.rows for count in report.quarantined}
    assert counts["bad_amount"] == counts["bad_quantity"] == 1
    aside = pd.read_parquet(settings.path(settings.store.quarantine))
    mine = aside[aside["source_file"] == SENT_FILE]
    assert set(mine["regulars_sent_order_id"]) == {"b1", "b3", "b4"}


def test_what_was_sent_follows_the_rules_with_the_rows_of_files(orders, settings):
    first = sent_of(orders, settings)[0]
    later = first.line.ordered_at.replace(hour=23, minute=59)
    back = first.line._replace(
        order_id="back",
        ordered_at=later,
        quantity=-first.line.quantity,
        amount=-first.line.amount,
    )
    with read_orders(settings, FrameSource(orders)) as log:
        before = log.report.rows_used
    with read_orders(
        settings, FrameSource(orders), sent=[SentOrderLine(first.customer_id, back)]
    ) as log:
        assert log.report.rows_used == before - 1
        counts = {count.reason: count.rows for count in log.report.quarantined}
    assert counts["cancelled_same_day"] >= 2


def histories_of(settings, source, folder, **options) -> dict[str, str]:
    folder.mkdir()
    with read_orders(settings, source, histories=folder, **options):
        pass
    frame = pd.read_parquet(folder)
    assert frame["customer_id"].is_unique
    return dict(zip(frame["customer_id"], frame["lines"], strict=True))


def test_histories_hold_the_lines_of_files_and_nothing_else(orders, settings, tmp_path):
    files = without_the_last(orders)
    found = histories_of(
        settings, FrameSource(files), tmp_path / "h", sent=sent_of(orders, settings)
    )
    typed = typed_lines_of(files, settings.data)
    assert set(found) == set(typed)
    for customer, lines in typed.items():
        read = list(file_lines(found[customer]))
        wanted = [line for line in lines if line.amount is not None]
        for name in ("order_id", "ordered_at", "product_id", "amount", "category", "discount"):
            said = sorted(str(getattr(line, name)) for line in read)
            assert said == sorted(str(getattr(line, name)) for line in wanted), name
        assert told_beside(found[customer]) == {}


def test_histories_say_what_was_put_aside(orders, settings, tmp_path):
    one = orders.iloc[[0]].assign(order="x1")
    back = one.assign(order="x2", quantity=-one["quantity"], amount=-one["amount"])
    bad = one.assign(order="x3", amount=float("nan"))
    rows = pd.concat([orders, one, back, bad], ignore_index=True)
    found = histories_of(settings, FrameSource(rows), tmp_path / "h")
    aside = {
        line.order_id: line.is_put_aside for line in file_lines(found[one["customer"].iloc[0]])
    }
    assert "x3" not in aside
    assert aside["x2"] is True


def test_a_stranger_has_no_lines():
    assert list(file_lines(None)) == []
    assert told_beside(None) == {}
    (line,) = file_lines('{"fields":["ordered_at"],"lines":[[86400000000]],"consents":true}')
    assert line.ordered_at == datetime(1970, 1, 2)  # noqa: DTZ001 - the shop's wall time
    assert told_beside('{"fields":[],"lines":[],"consents":true}') == {"consents": True}
