"""What the doctor finds: one tiny shop per finding, in which it is obvious."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from features.doctor.findings.clock import clock_changes
from features.doctor.report import Finding
from features.orders.log import check_orders
from features.sources import FrameSource
from tests.support.shop import COLUMNS, shop_settings

pytestmark = pytest.mark.slow


def line(**different: object) -> dict[str, object]:
    usual = {"customer": "ann", "order": "1", "time": "2024-01-01 10:00", "product": "p100"}
    usual |= {"name": "Tea", "category": "drinks", "quantity": 1.0, "amount": 5.0, "discount": 0.0}
    return {**usual, **different}


def daily(days: int, *, a_day: int = 1, hour: int = 10, first: str = "2024-01-01") -> pd.DataFrame:
    """A customer of each day buys `a_day` times."""
    times = pd.date_range(first, periods=days).repeat(a_day) + pd.Timedelta(hours=hour)
    rows = pd.DataFrame([line()] * len(times))
    minutes = np.arange(len(times)) % a_day
    return rows.assign(
        time=times + pd.to_timedelta(minutes, unit="min"),
        order=[f"o{number}" for number in range(len(times))],
        customer=[f"c{number}" for number in range(len(times))],
    )


def found(tmp_path, lines: pd.DataFrame, **data: object) -> dict[str, Finding]:
    settings = shop_settings(tmp_path, data=data)
    with check_orders(settings, FrameSource(lines, "orders")) as report:
        return {finding.code: finding for finding in report.findings}


# Rows


@pytest.mark.parametrize(
    ("code", "different", "said"),
    [
        ("missing_id", {"customer": None}, "count for what is popular"),
        ("free", {"amount": 0.0}, "amount 0"),
        ("zero_quantity", {"quantity": 0.0}, "quantity 0"),
        ("measure_not_pieces", {"quantity": 25_000.0}, "perhaps a measure (fuel, weight)"),
        ("no_product", {"product": None}, "no product code"),
        ("no_category", {"category": None}, "no category"),
        ("night", {"time": pd.Timestamp("2024-01-20 03:10")}, "between 1 and 5 at night"),
    ],
)
def test_rows(tmp_path, code, different, said):
    lines = daily(27)
    assert code not in found(tmp_path, lines)
    odd = [line(order=f"x{n}", time=lines["time"].iloc[-1]) | different for n in range(3)]
    if code == "measure_not_pieces":
        lines, odd = pd.concat([lines] * 10).assign(order=range(270)), odd[:1]
    finding = found(tmp_path, pd.concat([lines, pd.DataFrame(odd)]))[code]
    assert (finding.severity, finding.count, finding.unit) == ("look", len(odd), "row")
    assert finding.example == f"orders, row {len(lines) + 1}"
    assert said in finding.meaning


def test_the_share_of_revenue(tmp_path):
    lines = pd.DataFrame([line(amount=21.0), line(customer=None, order="2", amount=4.0)])
    finding = found(tmp_path, lines)["missing_id"]
    assert finding.share_of_revenue == 4 / 25
    assert finding.size == "1 row, 16.0 % of revenue"


def test_what_rules_put_aside_tells_the_larger_side(tmp_path):
    """A purchase of 8 and its cancellation: neither counts, 8 of 5 would have."""
    lines = [line(), line(order="2", product="cake", amount=8.0)]
    lines.append(
        line(order="3", product="cake", amount=-8.0, quantity=-1.0, time="2024-01-01 11:00")
    )
    finding = found(tmp_path, pd.DataFrame(lines))["cancelled_same_day"]
    assert (finding.severity, finding.count, finding.share_of_revenue) == ("fixed", 2, 8 / 5)


# Products


@pytest.mark.parametrize(
    ("code", "product", "name"),
    [
        ("fee_product", "POST", "POSTAGE"),
        ("fee_product", "p999", "Delivery charge"),
        ("test_product", "TEST1", "This is a test"),
        ("bad_debt", "B", "Adjust bad debt"),
        (None, "p999", "Postage stamp mug"),
        (None, "GIFT", "Gift voucher"),
        (None, "p999", "Latest fashion"),
    ],
)
def test_codes_that_are_no_goods(tmp_path, code, product, name):
    odd = line(order="x", product=product, name=name)
    lines = pd.concat([daily(27), pd.DataFrame([odd])])
    kinds = found(tmp_path, lines).keys() & {"fee_product", "test_product", "bad_debt"}
    assert kinds == ({code} if code else set())
    if code:
        finding = found(tmp_path, lines)[code]
        assert finding.example == f"{product} {name}"
        assert finding.advice == f'Add to data.rules.ignore_products: "{product}".'
        ignored = found(tmp_path, lines, rules={"ignore_products": [product]})
        assert code not in ignored


def test_one_product_under_several_codes(tmp_path):
    lines = daily(3).assign(product=["85099B", "85099b", "p100"])
    finding = found(tmp_path, lines)["product_code_case"]
    assert (finding.count, finding.share_of_revenue) == (2, 10 / 15)
    assert finding.example == "85099B and 85099b"
    merged = found(tmp_path, lines, rules={"product_code_case": "upper"})
    assert "product_code_case" not in merged


def test_several_names(tmp_path):
    lines = daily(4).assign(name=["Tea", "TEA", "Tea", None])
    assert "several_names" not in found(tmp_path, lines)
    finding = found(tmp_path, lines.assign(name=["Tea", "Green tea", "Tea", None]))["several_names"]
    assert (finding.count, finding.example) == (1, "p100 Green tea / Tea")


# Calendar


@pytest.mark.parametrize("where", [[10], [10, 11, 12]])
def test_days_without_a_sale(tmp_path, where):
    lines = daily(60)
    assert "empty_days" not in found(tmp_path, lines)
    days = sorted(set(lines["time"].dt.normalize()))
    without = lines[~lines["time"].dt.normalize().isin([days[n] for n in where])]
    finding = found(tmp_path, without)["empty_days"]
    assert (finding.count, finding.unit) == (len(where), "day")
    assert finding.example == "2024-01-11"
    if len(where) == 3:
        assert "2024-01-11 to 2024-01-13" in finding.meaning


def test_a_weekday_on_which_the_shop_never_sells_is_no_gap(tmp_path):
    lines = daily(70)
    lines = lines[lines["time"].dt.day_of_week != 5]
    assert "empty_days" not in found(tmp_path, lines)
    lines = lines[lines["time"].dt.day != 17]
    assert "never open on Saturdays" in found(tmp_path, lines)["empty_days"].meaning


def test_a_shop_of_few_orders_has_no_missing_days(tmp_path):
    assert "empty_days" not in found(tmp_path, daily(60).iloc[::3])


def test_days_unlike_their_weekday(tmp_path):
    lines = daily(70, a_day=25)
    assert "odd_days" not in found(tmp_path, lines)
    day = lines["time"].dt.normalize() == pd.Timestamp("2024-02-06")
    double = lines[day].assign(order=lambda rows: "again" + rows["order"])
    five = pd.concat([lines, *(double.assign(order=lambda r, n=n: r["order"] + n) for n in "abcd")])
    few = lines[~day | (lines.groupby(day.astype(int)).cumcount() < 5)]
    for odd, rows in ((five, 125), (few, 5)):
        finding = found(tmp_path, odd)["odd_days"]
        assert finding.count == 1
        assert f"2024-02-06 ({rows} rows, usually 25)" in finding.meaning


def test_a_jump_in_volume(tmp_path):
    few, many = daily(60, a_day=5), daily(60, a_day=15, first="2024-03-01")
    assert "jump" not in found(tmp_path, few)
    lines = pd.concat([few, many.assign(order=lambda rows: "m" + rows["order"])])
    assert found(tmp_path, lines)["jump"].example == "2024-03-01"


def test_a_last_day_cut_short(tmp_path):
    """The shop sells from 10 to 17 every day, on the last one until 12."""
    hours = pd.concat([daily(45, hour=hour, a_day=5) for hour in range(10, 18)])
    hours = hours.assign(order=range(len(hours)))
    assert "cut_short" not in found(tmp_path, hours)
    finding = found(tmp_path, hours[hours["time"] < pd.Timestamp("2024-02-14 12:00")])["cut_short"]
    assert (
        "2024-02-14, ends at 11:04, usually at 17:04, and has 10 rows where 40" in finding.meaning
    )
    assert "--as-of 2024-02-14" in finding.advice


def test_a_last_day_cut_short_where_orders_have_no_time(tmp_path):
    lines = daily(45, a_day=40).assign(time=lambda rows: rows["time"].dt.normalize())
    finding = found(tmp_path, lines.iloc[:-30])["cut_short"]
    assert "the last day, 2024-02-14, has 10 rows where 40 are usual" in finding.meaning


def test_a_month_that_is_not_over(tmp_path):
    assert "open_month" not in found(tmp_path, daily(91))
    assert "As of 2024-03-21 nothing is missing" in found(tmp_path, daily(80))["open_month"].meaning


@pytest.mark.parametrize("stray", ["2034-01-01 12:00", "2014-01-01 12:00"])
def test_dates_far_from_all_others(tmp_path, stray):
    lines = daily(200)
    lines.loc[5, "time"] = pd.Timestamp(stray)
    finding = found(tmp_path, lines)["stray_dates"]
    assert (finding.count, finding.example) == (1, "orders, row 6")
    assert "from 2024-01-01 to 2024-07-18" in finding.meaning
    assert "--as-of 2024-07-19" in finding.advice


# Clock


def test_clock_changes_of_a_year():
    year = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
    gap, fold = clock_changes(ZoneInfo("America/New_York"), *year)
    assert (str(gap.start), str(gap.end)) == ("2024-03-10 02:00:00", "2024-03-10 03:00:00")
    assert (str(fold.start), str(fold.end)) == ("2024-11-03 01:00:00", "2024-11-03 02:00:00")
    assert gap.is_gap
    assert not fold.is_gap
    half_hour = clock_changes(ZoneInfo("Australia/Lord_Howe"), *year)
    assert {change.end - change.start for change in half_hour} == {pd.Timedelta(minutes=30)}
    assert clock_changes(ZoneInfo("UTC"), *year) == []


PARIS = [
    "2024-03-31 01:59:59",
    "2024-03-31 02:00",
    "2024-03-31 02:59:59",
    "2024-03-31 03:00",
    "2024-10-27 01:59:59",
    "2024-10-27 02:00",
    "2024-10-27 02:59:59",
    "2024-10-27 03:00",
]


def test_hours_that_never_were_or_came_twice(tmp_path):
    lines = pd.DataFrame([line(time=time, order=str(n)) for n, time in enumerate(PARIS)])
    findings = found(tmp_path, lines, timezone="Europe/Paris")
    assert (findings["clock_gap"].count, findings["clock_gap"].example) == (2, "orders, row 2")
    assert (findings["clock_fold"].count, findings["clock_fold"].example) == (2, "orders, row 6")


@pytest.mark.parametrize(
    ("times", "data"),
    [
        (PARIS, {"timezone": "Asia/Shanghai"}),
        (PARIS, {"timezone": "Europe/Paris", "naive_timestamps": "utc"}),
        ([f"{time[:16]}:00+01:00" for time in PARIS], {"timezone": "Europe/Paris"}),
        (pd.to_datetime(pd.Series(PARIS), format="ISO8601").dt.tz_localize("UTC"), {"timezone": "Europe/Paris"}),
        (["2024-03-31", "2024-10-27"], {"timezone": "America/Asuncion"}),
    ],
)  # fmt: skip
def test_times_that_no_change_of_the_clock_touches(tmp_path, times, data):
    lines = pd.DataFrame([line(time=time, order=str(n)) for n, time in enumerate(times)])
    assert not found(tmp_path, lines, **data).keys() & {"clock_gap", "clock_fold"}


def test_nights_of_a_clock_with_offsets_are_nights(tmp_path):
    lines = daily(30, hour=3).assign(time=lambda rows: rows["time"].dt.tz_localize("UTC"))
    assert "night" not in found(tmp_path, lines)


# Customers


def test_a_panel_that_was_there_before(tmp_path):
    lines = daily(120)
    assert "left_truncated" not in found(tmp_path, lines)
    finding = found(tmp_path, lines.assign(customer=[f"c{n % 30}" for n in range(120)]))
    assert (finding["left_truncated"].count, finding["left_truncated"].unit) == (30, "customer")


def test_a_card_in_two_shops_at_the_same_minute(tmp_path):
    times = ["2024-01-02 10:00", "2024-01-03 10:00", "2024-01-04 10:00"]
    rows = [
        line(customer="card", order=f"{time} {shop}", time=time) | {"shop": shop}
        for time in times
        for shop in ("north", "south")
    ]
    columns = {**COLUMNS, "channel": "shop"}
    lines = pd.concat([daily(20).assign(shop="north"), pd.DataFrame(rows)])
    finding = found(tmp_path, lines, columns=columns)["shared_card"]
    assert (finding.count, finding.share_of_revenue) == (1, 30 / 130)
    assert finding.example == "customer card"
    once = lines.drop_duplicates(["customer", "time"])
    assert "shared_card" not in found(tmp_path, once, columns=columns)
    anonymous = found(tmp_path, lines, columns=columns, rules={"anonymous_customers": ["card"]})
    assert "shared_card" not in anonymous
    assert anonymous["missing_id"].count == 6


def test_a_till_that_orders_all_day(tmp_path):
    till = daily(20, a_day=6).assign(customer="till", order=range(120))
    lines = pd.concat([daily(20), till])
    assert found(tmp_path, lines)["shared_card"].example == "customer till"


def test_staff_cards(tmp_path):
    staff = daily(60).assign(customer="clerk", order=range(60), discount=5.0)
    lines = pd.concat([daily(60), staff])
    assert "staff_like" not in found(tmp_path, lines.assign(discount=5.0))
    assert "staff_like" not in found(tmp_path, lines.assign(discount=0.0))
    many = pd.concat([lines, daily(60, a_day=20).assign(order=lambda rows: "m" + rows["order"])])
    assert found(tmp_path, many)["staff_like"].example == "customer clerk"


def test_resellers(tmp_path):
    lines = daily(120)
    lines.loc[7, "amount"] = 600.0
    finding = found(tmp_path, lines)["wholesale_like"]
    assert (finding.example, finding.share_of_revenue) == ("customer c7", 600 / (119 * 5 + 600))


# Rows that may be right


def test_equal_rows_are_named_where_they_count(tmp_path):
    """Without order ids the same thing bought twice on a day looks like an export doubled."""
    columns = {name: column for name, column in COLUMNS.items() if name != "order_id"}
    lines = daily(4)
    twice = pd.concat([lines, lines.iloc[[1, 1]]])
    assert "equal_rows" not in found(tmp_path, lines, columns=columns)
    finding = found(tmp_path, twice, columns=columns)["equal_rows"]
    assert (finding.count, finding.share_of_revenue) == (2, 10 / 30)
    assert finding.example == "orders, row 2"
    dropped = found(tmp_path, twice, columns=columns, rules={"duplicates": "drop"})
    assert "equal_rows" not in dropped
    assert "equal_rows" not in found(tmp_path, twice)


def test_goods_below_their_cost(tmp_path):
    lines = daily(4).assign(cost=[5.0, 5.01, 4.0, None])
    finding = found(tmp_path, lines, columns={**COLUMNS, "cost": "cost"})["below_cost"]
    assert (finding.count, finding.share_of_revenue) == (1, 5 / 20)
    assert finding.example == "orders, row 2"
    assert "below_cost" not in found(tmp_path, lines)


def test_free_lines_of_no_piece_are_told_once_more(tmp_path):
    odd = [{"amount": 0.0}, {"amount": 0.0, "quantity": 0.0}, {"quantity": 0.0}]
    rows = [line(order=f"x{number}") | different for number, different in enumerate(odd)]
    told = found(tmp_path, pd.concat([daily(4), pd.DataFrame(rows)]))
    assert "in steps of 0.01 EUR" in told["free"].meaning
    assert told["zero_quantity"].meaning.startswith("quantity 0, 1 of them with amount 0 as well")


def test_nobody_is_a_share_of_the_rows(tmp_path):
    lines = daily(8)
    lines.loc[[0, 1], "customer"] = None
    assert "(25.0 % of the rows used)" in found(tmp_path, lines)["missing_id"].meaning


def test_no_money_is_no_share_of_revenue(tmp_path):
    lines = pd.DataFrame([line(), line(order="2", product="TEST1", amount=0.0)] + [line()] * 9)
    finding = found(tmp_path, lines.assign(order=range(11)))["test_product"]
    assert finding.size == "1 product"


# Dates


def test_dates_without_a_time_of_day(tmp_path):
    columns = {name: column for name, column in COLUMNS.items() if name != "order_id"}
    lines = pd.concat([daily(3, hour=0), daily(3, hour=0).iloc[[1]].assign(product="p101")])
    finding = found(tmp_path, lines, columns=columns)["days_only"]
    assert (finding.severity, finding.count) == ("fixed", 4)
    assert "3 orders, to which 1 rows are further lines" in finding.meaning
    assert "one order" not in found(tmp_path, lines)["days_only"].meaning
    assert "days_only" not in found(tmp_path, daily(3))


def test_a_cohort_without_new_customers(tmp_path):
    """Thirty customers of January come back on every tenth day for a year, then somebody new."""
    days = pd.date_range("2024-01-01", periods=30)
    rows = [
        line(
            customer=f"c{number}", order=f"{number} {turn}", time=day + pd.Timedelta(days=10 * turn)
        )
        for number, day in enumerate(days)
        for turn in range(30)
    ]
    lines = pd.DataFrame(rows)
    finding = found(tmp_path, lines)["closed_cohort"]
    assert (finding.count, finding.unit) == (30, "customer")
    assert "first seen by 2024-01-30, and nobody new in the 290 days since" in finding.meaning
    stray = line(customer="c3", order="stray", time=pd.Timestamp("2035-10-01"))
    assert found(tmp_path, pd.concat([lines, pd.DataFrame([stray])]))["closed_cohort"] == finding
    new = line(customer="new", order="new", time=pd.Timestamp("2024-10-01"))
    assert "closed_cohort" not in found(tmp_path, pd.concat([lines, pd.DataFrame([new])]))


def test_odd_days_in_a_row_are_told_together(tmp_path):
    lines = daily(84, a_day=40)
    day = lines["time"].dt.normalize()
    closed = day.between("2024-02-05", "2024-02-07") & (lines.groupby(day).cumcount() >= 4)
    sale = lines[day == "2024-02-08"]
    again = [sale.assign(order=sale["order"] + str(turn)) for turn in range(4)]
    finding = found(tmp_path, pd.concat([lines[~closed], *again]))["odd_days"]
    assert finding.count == 4
    assert (
        "2024-02-08 (200 rows, usually 40), 2024-02-05 to 2024-02-07 (12 rows, usually 120)."
        in finding.meaning
    )
