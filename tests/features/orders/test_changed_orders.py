"""What became of an order is known from its own day on, and not before."""

from datetime import date, timedelta

import pandas as pd
import pytest

from features.engines.build import build_features
from features.orders.log import check_orders, read_orders
from features.orders.parted_log import read_parted_orders
from features.sources import FrameSource
from features.sources.files import open_files
from tests.support.dirty import COLUMNS, STATE_COLUMNS, STATE_RULES, chance, dirty_lines, frame_of
from tests.support.dirty import in_state as changed
from tests.support.shop import COLUMNS as SHOP_COLUMNS
from tests.support.shop import shop_settings, simulate_orders

pytestmark = pytest.mark.slow

SHOP = {
    "columns": {
        "customer_id": "who",
        "order_id": "order",
        "ordered_at": "at",
        "product_id": "sku",
        "amount": "paid",
        "status": "state",
        "status_at": "state_at",
        "refunded": "back",
        "refunded_at": "back_at",
    },
    "rules": {"status": {"purchase": ["paid"], "none": ["void"], "return": ["returned"]}},
}
USUAL = {"state": "paid", "state_at": None, "back": 0.0, "back_at": None, "sku": "tea"}
FIRST, LAST = date(2024, 1, 1), date(2024, 3, 1)


def sales(*rows: dict[str, object]) -> pd.DataFrame:
    """Ann's orders of `rows`, and one of Bob's at either end."""
    ends = [
        {"who": "bob", "order": f"b{day}", "at": str(day), "paid": 1.0} for day in (FIRST, LAST)
    ]
    mine = [{"who": "ann", "order": f"a{n}", **row} for n, row in enumerate(rows)]
    return pd.DataFrame([{**USUAL, **row} for row in [*ends, *mine]])


def spent(root, lines: pd.DataFrame, as_of: date) -> float | None:
    """What Ann has spent by the morning of a day; None: she is not known to have bought."""
    with read_orders(shop_settings(root, data=SHOP), FrameSource(lines)) as log:
        features = build_features(log, as_of)
    return float(features.loc["ann", "spend_365d"]) if "ann" in features.index else None


def test_a_cancellation_is_not_known_before_its_day(tmp_path):
    lines = sales({"at": "2024-01-10", "paid": 9.0, "state": "void", "state_at": "2024-02-05"})
    assert spent(tmp_path, lines, date(2024, 1, 10)) is None
    assert spent(tmp_path, lines, date(2024, 1, 11)) == 9.0
    assert spent(tmp_path, lines, date(2024, 2, 5)) == 9.0
    assert spent(tmp_path, lines, date(2024, 2, 6)) is None
    undated = lines.assign(state_at=None)
    assert spent(tmp_path, undated, date(2024, 1, 11)) is None


def test_a_refund_in_part_leaves_the_rest_from_its_day_on(tmp_path):
    lines = sales({"at": "2024-01-10", "paid": 9.0, "back": 4.0, "back_at": "2024-02-05 17:00"})
    assert spent(tmp_path, lines, date(2024, 2, 5)) == 9.0
    assert spent(tmp_path, lines, date(2024, 2, 6)) == 5.0
    assert spent(tmp_path, lines, LAST) == 5.0
    assert spent(tmp_path, lines.assign(back_at=None), date(2024, 1, 11)) == 5.0


def test_an_order_refunded_as_a_whole_was_one_until_then(tmp_path):
    by_money = {"at": "2024-01-10", "paid": 9.0, "back": 9.0, "back_at": "2024-02-05"}
    by_state = {"at": "2024-01-10", "paid": 9.0, "state": "returned", "state_at": "2024-02-05"}
    for row in (by_money, by_state):
        lines = sales(row)
        assert spent(tmp_path, lines, date(2024, 2, 5)) == 9.0
        assert spent(tmp_path, lines, date(2024, 2, 6)) is None


def test_a_return_of_its_own_takes_money_back(tmp_path):
    lines = sales(
        {"at": "2024-01-10", "paid": 9.0},
        {"at": "2024-01-20", "paid": 4.0, "state": "Returned", "order": "a0"},
    )
    assert spent(tmp_path, lines, date(2024, 1, 20)) == 9.0
    assert spent(tmp_path, lines, date(2024, 1, 21)) == 5.0


def test_what_changes_later_changes_no_earlier_feature(tmp_path):
    random, as_of = chance(41), date(2024, 6, 1)
    lines = simulate_orders(customers=60)
    lines = lines.assign(state="paid", state_time=pd.NaT, refund=0.0, refund_time=pd.NaT)
    later = pd.Timestamp(as_of) + pd.Timedelta(days=20)
    hit = [random.random() < 0.3 for _ in range(len(lines))]
    changed = lines.copy()
    changed.loc[hit, "state"] = [
        random.choice(["void", "returned", "paid"]) for _ in range(sum(hit))
    ]
    changed.loc[hit, "state_time"] = changed.loc[hit, "refund_time"] = later
    changed.loc[hit, "refund"] = changed.loc[hit, "amount"] * 0.5
    shop = shop_settings(
        tmp_path,
        data={"columns": {**SHOP_COLUMNS, **STATE_COLUMNS}, "rules": SHOP["rules"]},
    )
    told = []
    for frame in (lines, changed):
        with read_orders(shop, FrameSource(frame)) as log:
            told.append([build_features(log, day) for day in (as_of, log.end)])
    pd.testing.assert_frame_equal(told[0][0], told[1][0])
    assert told[0][1]["orders"].sum() > told[1][1]["orders"].sum()


def test_a_log_in_parts_says_the_same(tmp_path):
    random = chance(42)
    customers = {
        f"c{number:03}": [changed(random, line) for line in dirty_lines(random, days=12, most=12)]
        for number in range(150)
    }
    frame_of(customers).to_parquet(tmp_path / "orders.parquet", index=False)
    shop = shop_settings(
        tmp_path,
        data={
            "columns": {**COLUMNS, **STATE_COLUMNS},
            "rules": {"status": STATE_RULES, "order_level": ["refund"]},
            "accept": dict.fromkeys(("mostly_returns", "status_undecided"), "made up"),
        },
        engine={"partition_rows": 200},
    )
    source = open_files("orders.parquet", tmp_path)
    with read_orders(shop, source) as log:
        whole = [build_features(log, log.end - timedelta(days=days)) for days in (0, 5)]
        report, fingerprint, ends = log.report, log.fingerprint, log.end
    with read_parted_orders(shop, source) as parted:
        assert len(parted.parts) > 2
        assert parted.fingerprint == fingerprint
        for name in ("revenue", "orders", "customers", "return_rows", "quarantined", "reading"):
            assert getattr(parted.report, name) == pytest.approx(getattr(report, name), abs=1e-9)
        for days, expected in zip((0, 5), whole, strict=True):
            parts = [build_features(part, ends - timedelta(days=days)) for part in parted.logs()]
            pd.testing.assert_frame_equal(pd.concat(parts).sort_index(), expected.sort_index())


def test_check_says_that_states_have_no_date_and_how_old_their_orders_are(tmp_path):
    lines = sales(
        {"at": "2024-01-10", "paid": 9.0, "state": "void"},
        {"at": "2024-02-20", "paid": 9.0},
        {"at": "2024-02-21", "paid": 9.0, "back": 2.0},
        {"at": "2024-02-22", "paid": 9.0, "state": "void", "state_at": "2024-02-23"},
    )
    with check_orders(shop_settings(tmp_path, data=SHOP), FrameSource(lines)) as report:
        (finding,) = (one for one in report.findings if one.code == "state_without_date")
    assert finding.count == 2
    # of five orders of the last 30 days one is refunded without a date, of the two before one
    assert "up to 30 days: 25.0%, 31 to 90: 50.0%" in finding.meaning
