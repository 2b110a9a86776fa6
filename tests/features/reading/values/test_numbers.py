"""One definition of a written number, in SQL and in Python."""

import sys
import unicodedata

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.reading.values.numbers import (
    NumberStyle,
    number_sql,
    rate_sql,
    read_number,
    read_rate,
)

POINT, COMMA = NumberStyle(".", ","), NumberStyle(",", ".")
STYLES = (NumberStyle("."), POINT, NumberStyle(","), COMMA)


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as connection:
        yield connection


def in_sql(connection, texts, style, expression=number_sql):
    rows = connection.execute(
        f"SELECT {expression('text', style)} FROM (SELECT unnest(?) AS text, unnest(range(?)) AS place)"
        " ORDER BY place",
        [texts, len(texts)],
    ).fetchall()
    return [value for (value,) in rows]


WRITTEN = [
    ("12.5", POINT, 12.5),
    ("1,234.50", POINT, 1234.5),
    ("1.234,50", COMMA, 1234.5),
    ("1.200", COMMA, 1200),
    ("1.200", POINT, 1.2),
    ("$1,032.20", POINT, 1032.2),
    ("-$5.00", POINT, -5),
    ("$-5.00", POINT, -5),
    ("($1,200.50)", POINT, -1200.5),
    ("(1.200,50 €)", COMMA, -1200.5),
    ("12.50-", POINT, -12.5),
    ("−12.50", POINT, -12.5),
    ("1 234,50 €", COMMA, 1234.5),
    ("1\u00a0234,50\u00a0€", COMMA, 1234.5),
    ("1\u202f234,50\u202f€", COMMA, 1234.5),
    ("1\u2009234.50", POINT, 1234.5),
    ("CHF 1'234.50", POINT, 1234.5),
    ("CHF 1’234.50", POINT, 1234.5),
    ("12.-", POINT, 12),
    ("12,--", COMMA, 12),
    ("Rs. 1,23,456.00", POINT, 123_456),
    ("Rs.500/-", POINT, 500),
    ("kr 1 200,50", COMMA, 1200.5),
    ("1.299,00 kr.", COMMA, 1299),
    ("129,99 zł", COMMA, 129.99),
    ("R$ 1.234,56", COMMA, 1234.56),
    ("US$ 12.50", POINT, 12.5),
    ("￥1,200", POINT, 1200),
    ("￥１，２００．５０", POINT, 1200.5),
    ("12.50 USD", POINT, 12.5),
    ("EUR 12.50", POINT, 12.5),
    ("3 299 Kč", COMMA, 3299),
    ("١٬٢٣٤٫٥٠", POINT, 1234.5),
    ("١٬٢٣٤٫٥٠", COMMA, 1234.5),
    ("१२.५०", POINT, 12.5),
    ('="12.50"', POINT, 12.5),
    ("\u200e-12.50\u200e", POINT, -12.5),
    ("1e3", POINT, 1000),
]  # fmt: skip


@pytest.mark.parametrize(("text", "style", "value"), WRITTEN)
def test_ways_to_write_a_number(connection, text, style, value):
    assert read_number(text, style) == value
    assert in_sql(connection, [text], style) == [value]


@pytest.mark.parametrize(
    "text",
    ["", " ", "n/a", "nan", "inf", "1e400", "5 kg", "1,2,3", "12,34.5", "1.2.3", "--5", "5 (EUR)",
     "1_000", "(-5)", "$", "-", "5%", "1 23", "½", "0x1F", "5 5", "$5$5", "१२ rupees", "2024-03-01",
     "10:30", "+49 170 5551234", "\0"],
)  # fmt: skip
def test_what_is_no_number(connection, text):
    assert [read_number(text, style) for style in STYLES] == [None] * 4
    assert [in_sql(connection, [text], style) for style in STYLES] == [[None]] * 4


def test_a_comma_is_no_group_where_no_setting_says_so(connection):
    assert read_number("1,200") is None
    assert in_sql(connection, ["1,200"], NumberStyle(".")) == [None]


def test_every_digit_of_unicode(connection):
    digits = [
        letter
        for letter in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(letter) == "Nd"
    ]
    values = [float(unicodedata.digit(letter)) for letter in digits]
    assert [read_number(letter) for letter in digits] == values
    assert in_sql(connection, digits, NumberStyle(".")) == values


_PIECES = st.sampled_from(
    ["1", "12", "123", "000", "1234", "0", ".", ",", " ", "\u00a0", "\u202f", "'", "’", "-", "−", "+",
     "(", ")", "$", "€", "US$", "R$", "kr", "CHF", "EUR", "zł", "%", "e", "E5", "_", "٢", "３", "٫", "٬",
     "/-", '="', '"', "元", "\t", "\n", "\x01", "\u200f", "a", "x1"]
)  # fmt: skip
_NUMBER_LIKE = st.lists(_PIECES, max_size=8).map("".join)


@settings(max_examples=60)
@given(
    texts=st.lists(_NUMBER_LIKE | st.text(max_size=8), min_size=40, max_size=200),
    style=st.sampled_from(STYLES),
)
@example(
    texts=["+-1", "1_0.5", "1,", ".5.", "\x0b1", "1\x00", "1\x851", "1\x1c", "11%\n", "%1\n"],
    style=POINT,
)
def test_both_readers_agree(connection, texts, style):
    assert in_sql(connection, texts, style) == [read_number(text, style) for text in texts]
    assert in_sql(connection, texts, style, rate_sql) == [read_rate(text, style) for text in texts]


@settings(max_examples=40)
@given(
    values=st.lists(st.decimals(-(10**12), 10**12, places=2), min_size=20, max_size=60),
    style=st.sampled_from([POINT, COMMA]),
    around=st.sampled_from(
        [("", ""), ("$", ""), ("€ ", " EUR"), ("CHF ", ""), ("R$ ", "-"), ("", " €"), ("", "kr")]
    ),
)
def test_what_is_written_is_read_back(connection, values, style, around):
    front, back = around
    swapped = str.maketrans(",.", ".,") if style.decimal == "," else {}
    texts = [
        f"{front}{abs(value):,.2f}{back}".translate(swapped) if back == "-" or value >= 0
        else f"-{front}{-value:,.2f}{back}".translate(swapped)
        for value in values
    ]  # fmt: skip
    sign = -1 if back == "-" else 1
    right = [float(abs(value) * sign if back == "-" else value) for value in values]
    assert [read_number(text, style) for text in texts] == right
    assert in_sql(connection, texts, style) == right


def test_percentages_are_shares(connection):
    texts = ["15%", "15 %", "%15", "12,5 %", "0.15", "15", "%", "5%%", "%5%"]
    right = [0.15, 0.15, 0.15, None, 0.15, 15.0, None, None, 0.05]
    assert [read_rate(text) for text in texts] == right
    assert in_sql(connection, texts, NumberStyle(), rate_sql) == right
    assert read_rate("12,5 %", COMMA) == 0.125
