"""How the numbers of a text column are written, told by the whole column."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from features.reading.values.numbers import Mark, NumberStyle, ascii_digits

_MARKED = re.compile(r"[0-9][0-9.,]*[0-9]|[.,][0-9]+")
_AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")


@dataclass(frozen=True)
class NumberMarks:
    """What the numbers of a column say of their marks, with an example of each; None: nothing.

    Attributes
    ----------
    decimal : the decimal mark
    thousands : the mark between groups of digits
    """

    decimal: Mark | None = None
    decimal_example: str = ""
    thousands: Mark | None = None
    thousands_example: str = ""

    @property
    def style(self) -> NumberStyle:
        """The style in which such numbers are read."""
        if self.decimal is not None:
            return NumberStyle(self.decimal, self.thousands)
        return NumberStyle("," if self.thousands == "." else ".", self.thousands)


def number_marks(texts: Iterable[str]) -> NumberMarks:
    """What the different numbers of a column say of their marks.

    Parameters
    ----------
    texts : what the column holds; what is no number says nothing

    Notes
    -----
    Of two marks in a number the last one is the decimal mark. A mark that comes twice parts
    thousands, and so does one that stands before three digits wherever it stands, while numbers
    below a thousand have none: a decimal mark with three places would be there as well.

    >>> number_marks(["950", "1.200", "38.870"]).style
    NumberStyle(decimal=',', thousands='.')
    >>> number_marks(["0.950", "1.200"]).style, number_marks(["1,541.92", "7"]).style
    (NumberStyle(decimal='.', thousands=None), NumberStyle(decimal='.', thousands=','))
    """
    numbers = [match[0] for text in texts if (match := _MARKED.search(ascii_digits(text)))]
    decimals, groups = Counter[Mark](), Counter[Mark]()
    examples: dict[tuple[str, Mark], str] = {}
    for number in numbers:
        for role, mark in _roles(number):
            (decimals if role == "decimal" else groups)[mark] += 1
            examples.setdefault((role, mark), number)
    decimal = decimals.most_common(1)[0][0] if decimals else None
    if decimal is None:
        thousands = groups.most_common(1)[0][0] if groups else _grouping_mark(numbers)
    else:
        other: Mark = "." if decimal == "," else ","
        thousands = other if any(other in number for number in numbers) else None
    example = next((number for number in numbers if thousands and thousands in number), "")
    return NumberMarks(
        decimal,
        examples.get(("decimal", decimal), "") if decimal else "",
        thousands,
        examples.get(("thousands", thousands), example) if thousands else "",
    )


def _roles(number: str) -> list[tuple[str, Mark]]:
    """What each mark of a number surely is."""
    dots, commas = number.count("."), number.count(",")
    last: Mark = "." if number.rfind(".") > number.rfind(",") else ","
    if dots and commas:
        return [("decimal", last), ("thousands", "," if last == "." else ".")]
    if dots + commas > 1:
        return [("thousands", last)]
    if dots + commas == 1 and not _AMBIGUOUS.fullmatch(number):
        return [("decimal", last)]
    return []


def _grouping_mark(numbers: list[str]) -> Mark | None:
    """The mark that always stands before three digits, while numbers below a thousand have none."""
    marked = [number for number in numbers if "." in number or "," in number]
    bare = [number for number in numbers if "." not in number and "," not in number]
    marks: set[Mark] = {"." if "." in number else "," for number in marked}
    if len(marks) != 1 or not bare or any(len(number) > 3 for number in bare):
        return None
    return marks.pop()
