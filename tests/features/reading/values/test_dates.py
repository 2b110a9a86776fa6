"""Moments as shops write them, read through the mapping's own SQL."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import duckdb
import pytest

from features.reading.values.turned_dates import find_turned
from tests.features.reading.test_mapping import times

WRITTEN = [
    ("%d. %B %Y %H:%M", "5. März 2024 14:30"),
    ("%d. %B %Y %H:%M", "5. march 2024 14:30"),
    ("%d %B %Y %H:%M", "5 mars 2024 14:30"),
    ("%d de %B de %Y %H:%M", "5 de marzo de 2024 14:30"),
    ("%b %d, %Y, %I:%M %p", "Mar 5, 2024, 2:30 PM"),
    ("%b %d, %Y, %I:%M %p", "mar. 5, 2024, 2:30\u202fp.m."),
    ("%b %d, %Y %H:%M", "三月 5, 2024 14:30"),
    ("%A %d %B %Y %H:%M", "mardi 5 mars 2024 14:30"),
    ("%a, %d. %b %Y %H:%M", "Di., 5. Mrz. 2024 14:30"),
    ("%Y年%m月%d日 %H:%M", "2024年3月5日 14:30"),
    ("%Y年%m月%d日 %p%I:%M", "2024年3月5日 下午2:30"),
    ("%Y-%m-%d %I:%M:%S %p", "2024-03-05 02:30:00 PM"),
    ("%d/%m/%Y %I:%M %p", "05/03/2024 2:30pm"),
    ("%d/%m/%Y %H:%M", "٠٥/٠٣/٢٠٢٤ ١٤:٣٠"),
    ("%Y.%m.%d %H:%M", "2024.03.05\u00a014:30"),
    ("%d.%m.%y %H:%M", "05.03.24 14:30"),
    ("%d-%b-%y %H:%M", "05-mrz-24 14:30"),
    (None, "２０２４-０３-０５ １４:３０"),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "text"), WRITTEN)
def test_ways_to_write_a_moment(pattern, text):
    assert times([text], date_format=pattern) == ["2024-03-05 14:30:00"]


MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "zh": "一月 二月 三月 四月 五月 六月 七月 八月 九月 十月 十一月 十二月",
    "short en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "short de": "Jan. Feb. Mär. Apr. Mai Jun. Jul. Aug. Sept. Okt. Nov. Dez.",
    "short fr": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    "short es": "ene feb mar abr may jun jul ago sep oct nov dic",
}


@pytest.mark.parametrize("language", MONTHS)
def test_every_month(language):
    texts: list[object] = [f"17 {name} 2024" for name in MONTHS[language].split()]
    right = [f"2024-{month:02d}-17 00:00:00" for month in range(1, 13)]
    assert times(texts, date_format="%d %b %Y") == right


@pytest.mark.parametrize(
    "text", ["5 x 2024", "5 marchen 2024", "32 März 2024", "5 März", "", "5 März 2024 Rest"]
)
def test_what_names_no_day(text):
    assert times([text], date_format="%d %B %Y") == [None]


@pytest.mark.parametrize("as_text", [True, False])
def test_days_of_a_spreadsheet(as_text):
    """45294 is 2024-01-03: spreadsheets count days from the end of 1899."""
    numbers = [45294.908646, 45294.0, 45295.5]
    values: list[object] = [str(number) for number in numbers] if as_text else list(numbers)
    right = ["2024-01-03 21:48:27", "2024-01-03 00:00:00", "2024-01-04 12:00:00"]
    assert times(values, date_format="excel", timezone="Asia/Shanghai") == right
    assert times(["n/a", "-5", "1e9"], date_format="excel") == [None] * 3


@pytest.mark.parametrize("as_text", [True, False])
def test_seconds_and_milliseconds_of_an_epoch(as_text):
    moment = 1_704_318_507  # 2024-01-03 21:48:27 UTC
    seconds: list[object] = [str(moment) if as_text else moment]
    milliseconds: list[object] = [str(moment * 1000) if as_text else moment * 1000]
    zone = {"timezone": "Asia/Shanghai"}
    assert times(seconds, date_format="epoch_seconds", **zone) == ["2024-01-04 05:48:27"]
    assert times(milliseconds, date_format="epoch_milliseconds", **zone) == ["2024-01-04 05:48:27"]
    assert times(["1e300", "x"], date_format="epoch_seconds") == [None, None]


DAYS = [
    datetime(2024, 1, 1) + timedelta(days=day, seconds=second)  # noqa: DTZ001
    for draw in [random.Random(7)]  # noqa: S311
    for day, second in [(draw.randint(0, 400), draw.randint(0, 86_399)) for _ in range(400)]
]


def bare(day: datetime) -> str:
    return f"{day.month}/{day.day}/{day.year} {day.hour}:{day.minute:02d}"


def turned(texts: list[str]):
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE dates AS SELECT unnest(?) AS written", [texts])
        return find_turned(connection, "dates", "written")


@pytest.mark.parametrize(
    ("by_spreadsheet", "as_exported"),
    [
        (lambda day: day.isoformat(" "), "%d/%m/%Y %H:%M:%S"),
        (bare, "%d/%m/%Y %H:%M:%S"),
        (bare, "%d/%m/%Y %H:%M"),
        (lambda day: f"{day.month}/{day.day}/{day.year}", "%d/%m/%Y"),
        (lambda day: day.strftime("%d.%m.%Y"), "%m/%d/%Y"),
        (lambda day: day.strftime("%Y-%m-%d"), "%d.%m.%Y"),
    ],
)
def test_a_part_that_a_spreadsheet_has_swapped(
    by_spreadsheet: Callable[..., str], as_exported: str
):
    texts = [
        by_spreadsheet(day.replace(month=day.day, day=day.month))
        if day.day <= 12
        else day.strftime(as_exported)
        for day in DAYS
    ]
    found = turned(texts)
    assert found is not None
    assert {found.swapped, found.left} <= set(texts)
    assert found.swapped in found.sentence("Order Date")
    assert "day and month" in found.sentence("Order Date")


@pytest.mark.parametrize(
    "texts",
    [
        [day.isoformat(" ") for day in DAYS],
        [day.isoformat("T") + "Z" for day in DAYS],
        [day.strftime("%d/%m/%Y") for day in DAYS],
        [bare(day) for day in DAYS],
        [f"{day.day}.{day.month}.{day.year}" for day in DAYS],
        [day.isoformat(" ") if n % 3 else bare(day) for n, day in enumerate(DAYS)],
        [day.strftime("%d/%m/%Y") if day.month < 6 else day.isoformat() for day in DAYS],
        [day.strftime("%d/%m/%Y") for day in DAYS if day.day <= 12],
        [f"{day.year}年{day.month}月{day.day}日" for day in DAYS],
        ["2024-01-05", "13/02/2024"],
        ["", "x", "1-2"],
    ],
)
def test_ways_of_writing_that_do_not_follow_the_day(texts):
    assert turned(texts) is None
