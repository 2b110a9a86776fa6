"""The marks of numbers, told by the whole column."""

import pytest

from features.reading.values.number_style import number_marks
from features.reading.values.numbers import NumberStyle

PLAIN, POINT, COMMA = NumberStyle("."), NumberStyle(".", ","), NumberStyle(",", ".")


@pytest.mark.parametrize(
    ("texts", "style"),
    [
        (["1.50", "2", "1200.00"], PLAIN),
        (["1,50", "2", "1200,00"], NumberStyle(",")),
        (["1.234,50", "2"], COMMA),
        (["1,234.50", "2"], POINT),
        (["950", "1.200", "38.870"], COMMA),
        (["950", "1,200", "38,870"], POINT),
        (["1.200.000", "3"], COMMA),
        (["$1,200", "$950"], POINT),
        (["0.950", "1.200"], PLAIN),
        (["1.250", "2.375", "10.500"], PLAIN),
        (["1200", "1.250"], PLAIN),
        (["12,5", "1.200"], COMMA),
        (["12.5", "1.200", "950"], PLAIN),
        (["١٫٥"], PLAIN),
        (["", "x", "12"], PLAIN),
    ],
)
def test_a_column_tells_its_marks(texts, style):
    assert number_marks(texts).style == style


def test_an_example_shows_each_mark():
    marks = number_marks(["950", "1.200"])
    assert (marks.decimal, marks.thousands, marks.thousands_example) == (None, ".", "1.200")
    marks = number_marks(["1.200", "12,5"])
    assert (marks.decimal_example, marks.thousands_example) == ("12,5", "1.200")
