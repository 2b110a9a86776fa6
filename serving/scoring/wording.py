"""Values of features in words, English and Chinese, quick enough for everyone in a run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from babel.numbers import format_currency, get_currency_precision

from features.blocks.block import Feature, Unit
from serving.store.run import MoneyFormat

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
Write = Callable[[float], str]

_ANSWERS = {"en": ("no", "yes"), "zh": ("否", "是")}


@dataclass(frozen=True)
class Naming:
    """How a feature is spoken of in one language: its name, what follows it, its values."""

    name: str
    colon: str
    write: Write


def money_format(currency: str, language: Language = "en") -> MoneyFormat:
    """How amounts in `currency` (an ISO 4217 code) are written."""
    prefix = format_currency(0, currency, format="¤", locale=language)
    # A bare code needs room before the figure; a sign does not.
    prefix = f"{prefix}\N{NO-BREAK SPACE}" if prefix.isalpha() else prefix
    return MoneyFormat(prefix=prefix, digits=get_currency_precision(currency))


@cache
def naming(feature: Feature, currency: str, language: Language) -> Naming:
    """Name and values of `feature` in words."""
    write = writer(feature.unit, currency, language)
    if language == "zh":
        return Naming(feature.zh, "：", write)
    return Naming(f"{feature.en[0].upper()}{feature.en[1:]}", ": ", write)


def writer(unit: Unit, currency: str, language: Language) -> Write:
    """What turns a value of this unit into words."""
    match unit:
        case "money":
            return money_format(currency, language).write
        case "yes_no":
            no, yes = _ANSWERS[language]
            return lambda value: yes if value > 0 else no
        case "days":
            return days if language == "en" else lambda value: f"{short(value)}天"
        case _:
            return _IN_ALL_LANGUAGES.get(unit, short)


def _ratio(value: float) -> str:
    """As `short`, but a small ratio is no 0."""
    if value >= 1 or value <= 0:
        return short(value)
    return "< 0.01" if value < 0.01 else f"{value:.2f}".rstrip("0").rstrip(".")


def _hour(value: float) -> str:
    return f"{int(value):02d}:{int(value % 1 * 60):02d}"


def days(value: float) -> str:
    """So many days, in English."""
    number = short(value)
    return "1 day" if number == "1" else f"{number} days"


def short(value: float) -> str:
    """At most one decimal, and none where it says nothing."""
    # adding zero turns the −0.0 of small negative values into 0
    return f"{round(value, 1) + 0.0:,.1f}".removesuffix(".0")


_IN_ALL_LANGUAGES: Mapping[Unit, Write] = {"share": "{:.0%}".format, "hour": _hour, "ratio": _ratio}
