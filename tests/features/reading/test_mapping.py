"""From the file's columns to typed lines: dates, numbers, ids."""

import random
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.reading.mapping import typed_lines
from features.settings.engine import Engine
from features.settings.loading import settings_from
from features.sources import CsvSource, FrameSource, ParquetSource, Source
from features.sql import engine
from features.sql_text import identifier
from serving.settings import Settings

COLUMNS = {"customer_id": "id", "ordered_at": "t", "amount": "a"}
SHANGHAI = {"timezone": "Asia/Shanghai"}
NEW_YORK = {"timezone": "America/New_York"}


def typed(
    values: dict[str, object] | Source, columns: dict[str, object] | None = None, **data: object
) -> pd.DataFrame:
    """Typed lines of a source, or of columns id, t and a that `values` may replace."""
    if isinstance(values, dict):
        length = max(len(column) for column in values.values())
        plain = {"id": ["c"] * length, "t": ["2024-01-01"] * length, "a": ["1"] * length}
        values = FrameSource(pd.DataFrame({**plain, **values}))
    columns = {**COLUMNS, **(columns or {})}
    value = {"data": {"transactions": "x", "columns": columns, **data}}
    checked = settings_from(value, Settings, root=Path())
    with engine(Engine()) as connection:
        types = values.columns(connection)
        connection.execute(f"CREATE TABLE source_lines AS {values.relation(connection)}")
        return connection.execute(
            f"SELECT * FROM ({typed_lines(checked.data, types)}) ORDER BY source_row"
        ).df()


def times(texts: list[object], **data: object) -> list[str | None]:
    found = typed({"t": texts}, **data)["ordered_at"]
    return [None if pd.isna(time) else f"{time:%Y-%m-%d %H:%M:%S}" for time in found]


# Dates


@pytest.mark.parametrize(
    "text",
    ["2024-03-05 14:30:00", "2024-03-05T14:30", "2024-03-05 14:30:00.25", " 2024/3/5 14:30 "],
)
def test_a_time_without_zone_is_the_time_on_the_wall(text):
    assert times([text], **NEW_YORK) == ["2024-03-05 14:30:00"]


def test_a_date_alone_is_midnight_of_that_day():
    assert times(["2024-03-05"]) == ["2024-03-05 00:00:00"]


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-05T06:30:00Z",
        "2024-03-05 06:30:00z",
        "2024-03-05 06:30:00+00",
        "2024-03-05 07:30:00+0100",
        "2024-03-05 07:30:00 +0100",
        "2024-03-05 07:30:00+01:00",
        "2024-03-05 07:30:00 +01:00",
        "2024-03-05T01:30:00-05:00",
        "2024-03-05T01:30:00.000-0500",
        "2024-03-05 06:30:00 UTC",
        "2024-03-05 06:30:00 GMT",
        "2024-03-05 01:30:00 America/New_York",
    ],
)
def test_an_offset_or_zone_in_the_text_is_obeyed(text):
    assert times([text], **SHANGHAI) == ["2024-03-05 14:30:00"]
    assert times([text], **SHANGHAI, naive_timestamps="utc") == ["2024-03-05 14:30:00"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nan",
        "NaT",
        "31/12/2024",
        "2024-02-30",
        "2024-13-01",
        "20240305",
        "14:30",
        "45000",
        "2024-03-05 25:00",
        "2024-03-05 02:30 PM",
        "2024-03-05 02:30 o'clock",
        "2024-03-05 02:30 Mars/Base",
        "2024-03-05 or so",
        "5 March 2024",
        "\0",
    ],
)
def test_what_cannot_be_read_for_sure_is_no_date(text):
    found = typed({"t": [text]})
    assert found["ordered_at"].isna().all()
    assert list(found["has_date"]) == [bool(text)]


def test_naive_utc_crosses_daylight_saving_time():
    """New York: clocks went forward on 2024-03-10 at 07:00 UTC, back on 2024-11-03 at 06:00."""
    stamps = ["2024-03-10 06:59", "2024-03-10 07:00", "2024-11-03 05:30", "2024-11-03 06:30"]
    local = [
        "2024-03-10 01:59:00",
        "2024-03-10 03:00:00",
        "2024-11-03 01:30:00",
        "2024-11-03 01:30:00",
    ]
    assert times(stamps, **NEW_YORK, naive_timestamps="utc") == local
    assert times(list(pd.to_datetime(stamps)), **NEW_YORK, naive_timestamps="utc") == local
    assert times(stamps, **NEW_YORK) == [f"{stamp}:00" for stamp in stamps]


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati"])
@settings(max_examples=4)
@given(
    moments=st.lists(
        st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
        min_size=10,
        max_size=40,
    ),
    hours=st.integers(-12, 14),
)
def test_every_way_to_write_a_moment_gives_the_same_wall_time(zone, moments, hours):
    moments = [moment.replace(microsecond=0) for moment in moments]
    wall = [f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}" for moment in moments]
    abroad = [moment.astimezone(timezone(timedelta(hours=hours))) for moment in moments]
    ways: list[list[object]] = [
        [moment.isoformat() for moment in abroad],
        [f"{moment:%Y-%m-%d %H:%M:%S%z}" for moment in abroad],
        list(pd.to_datetime(moments, utc=True)),
    ]
    for written in ways:
        assert times(written, timezone=zone) == wall
    pattern = "%d.%m.%Y %H:%M:%S %z"
    formatted: list[object] = [moment.strftime(pattern) for moment in abroad]
    assert times(formatted, timezone=zone, date_format=pattern) == wall


def test_timestamps_of_parquet_in_every_precision(tmp_path):
    stamps = pd.to_datetime(["2024-07-01 12:00", None])
    for unit in ("s", "ms", "us", "ns"):
        for zone, expected in [(None, "2024-07-01 12:00"), ("UTC", "2024-07-01 20:00")]:
            frame = pd.DataFrame({"id": "c", "t": stamps.as_unit(unit).tz_localize(zone), "a": 1})
            frame.to_parquet(tmp_path / "x.parquet")
            found = typed(ParquetSource([tmp_path / "x.parquet"]), **SHANGHAI)["ordered_at"]
            assert found[0] == pd.Timestamp(expected)
            assert pd.isna(found[1])


@pytest.mark.parametrize(
    ("written", "pattern"),
    [
        ("05/03/2024 14:30", "%d/%m/%Y %H:%M"),
        ("3/5/24 02:30 PM", "%m/%d/%y %I:%M %p"),
        (202403051430, "%Y%m%d%H%M"),
    ],
)
def test_a_date_format_is_followed(written, pattern):
    assert times([written], date_format=pattern) == ["2024-03-05 14:30:00"]
    in_utc = times([written], date_format=pattern, naive_timestamps="utc", **SHANGHAI)
    assert in_utc == ["2024-03-05 22:30:00"]


@pytest.mark.parametrize("kind", ["int64", "int32", "float64", "str"])
def test_dates_as_numbers(kind):
    column = pd.Series([20240305, 20240306]).astype(kind)
    assert times(list(column), date_format="%Y%m%d") == [
        "2024-03-05 00:00:00",
        "2024-03-06 00:00:00",
    ]


def test_what_does_not_follow_the_date_format_is_no_date():
    assert times(["2024-03-05", "05/03/2024 x"], date_format="%d/%m/%Y") == [None, None]


def test_a_column_of_timestamps_needs_no_date_format():
    assert times([pd.Timestamp("2024-03-05 14:30")], date_format="%d/%m/%Y") == [
        "2024-03-05 14:30:00"
    ]


# Numbers


def cents(values: list[object], **data: object) -> list[int | None]:
    found = typed({"a": values}, **data)["amount"]
    return [None if pd.isna(amount) else int(amount) for amount in found]


def test_amounts_are_minor_units():
    assert cents(["12.5", " 3 ", "-0.07", "1e2", ".5", "+1"]) == [1250, 300, -7, 10_000, 50, 100]
    assert cents([12.5, -0.07]) == [1250, -7]
    assert cents(["1250"], currency="JPY") == [1250]
    assert cents(["1.234"], currency="KWD") == [1234]
    assert cents([0.29, 1.15, 19.99, 1.005]) == [29, 115, 1999, 100]


@pytest.mark.parametrize(
    "text",
    ["", "n/a", "nan", "inf", "-Infinity", "1e400", "1e13", "-9223372036854775808", "1,234.50",
     "5 kg", "\0", "--1", "0x1F"],
)  # fmt: skip
def test_what_is_no_amount(text):
    assert cents([text]) == [None]


def test_numbers_that_are_none():
    assert cents([np.nan, np.inf, -np.inf, 1e13, -1e300]) == [None] * 5
    assert cents([pd.Timestamp("2024-01-01")]) == [None]
    assert cents([True]) == [None]
    assert cents([9_223_372_036_854_775_807]) == [None]


def test_decimal_comma():
    values = ["12,50", "1.234,56", "-3", " 7,1 "]
    assert cents(values, decimal=",") == [1250, 123_456, -300, 710]
    assert cents([12.5], decimal=",") == [1250]


def test_unit_price_times_quantity():
    columns = {"amount": None, "unit_price": "p", "quantity": "q"}
    found = typed({"p": ["0.29", "2.5", "", "1"], "q": ["100", "-2", "1", "x"]}, columns)
    assert found["amount"].astype("Int64").to_list() == [2900, -500, pd.NA, pd.NA]
    assert found["quantity"].to_list()[:3] == [100.0, -2.0, 1.0]
    assert pd.isna(found["quantity"][3])


def test_without_a_quantity_a_line_is_one_piece():
    assert list(typed({"a": ["5"]})["quantity"]) == [1.0]


def test_discounts_add_up_whatever_their_sign():
    found = typed(
        {"d": ["-1.50", "x", None], "e": ["0.25", "2", ""]}, {"discount": ("d", "e"), "cost": "a"}
    )
    assert list(found["discount"]) == [175, 200, 0]
    assert list(found["cost"]) == [100] * 3


# Ids


def ids(values: list[object]) -> list[str | None]:
    found = typed({"id": values})["customer_id"]
    return [None if pd.isna(name) else name for name in found]


def test_whole_floats_are_written_without_their_point():
    assert ids([17850.0, 12.5, -3.0, np.nan]) == ["17850", "12.5", "-3", None]
    assert ids([17850, 9_007_199_254_740_993]) == ["17850", "9007199254740993"]


def test_an_integer_column_that_another_file_has_as_floats(tmp_path):
    for number, column in enumerate(([17850, 17851], [17850.0, None])):
        frame = pd.DataFrame({"id": column, "t": ["2024-01-01"] * 2, "a": [1] * 2})
        frame.to_parquet(tmp_path / f"{number}.parquet")
    found = typed(ParquetSource(sorted(tmp_path.iterdir())))
    assert sorted(found["customer_id"].dropna()) == ["17850", "17850", "17851"]


def test_ids_that_a_float_column_wrote_lose_its_point(tmp_path):
    """Only where every id of the file has one: '7' and '7.0' of one file are two customers."""
    assert ids(["17850.0", None, "", "7.0"]) == ["17850", None, None, "7"]
    assert ids(["17850.0", "7"]) == ["17850.0", "7"]
    assert ids(["v1.0", "v2.0"]) == ["v1.0", "v2.0"]
    assert ids(["007.0"]) == ["007"]
    for number, column in enumerate(([17850, 17851], [17850.0, None])):
        frame = pd.DataFrame({"id": column, "t": ["2024-01-01"] * 2, "a": [1] * 2})
        frame.to_csv(tmp_path / f"{number}.csv", index=False)
    found = typed(CsvSource(sorted(tmp_path.iterdir())))
    assert sorted(found["customer_id"].dropna()) == ["17850", "17850", "17851"]


def test_missing_ids():
    assert ids(["", "  ", None, "\u00a0"]) == [None] * 4


def test_ids_are_trimmed_and_else_kept_as_they_are():
    different = [
        "7",
        "007",
        "0",
        "+7",
        "7a",
        "7A",
        unicodedata.normalize("NFC", "Zoë"),
        unicodedata.normalize("NFD", "Zoë"),
        "👩‍👩‍👧",
        "👩",
        "عميل١",
        "a\u200bb",
        "ab",
        "NULL",
        "nan",
        "'; DROP TABLE lines; --",
        "a b",
        "a  b",
        "x\0y",
    ]
    assert ids([f" {name}  " for name in different]) == different


def test_column_names_may_hold_anything():
    name = 'the "customer\'s" {id}; --'
    found = typed({name: ["c7"]}, {"customer_id": name, "channel": name})
    assert list(found["customer_id"]) == list(found["channel"]) == ["c7"]


def test_ten_thousand_column_names_stay_names():
    draw = random.Random(4)  # noqa: S311 - which names are tried must not be secret
    signs = "\"'`;-*/()[]{}%\\\n\t \u2019\u202eaé购🎁"
    names = ["".join(draw.choices(signs, k=draw.randint(1, 12))) for _ in range(10_000)]
    with duckdb.connect() as connection:
        for start in range(0, 10_000, 500):
            some = names[start : start + 500]
            columns = [f"{number} AS {identifier(name)}" for number, name in enumerate(some)]
            found = connection.execute(f"SELECT {', '.join(columns)}")
            assert [one[0] for one in found.description] == some
            assert found.fetchone() == tuple(range(len(some)))
