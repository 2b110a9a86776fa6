"""Values of features in words, in every language, fast enough for all customers of a run.

Texts are looked up once per language; the writer called for a customer only fills them in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Literal

from features.blocks.block import Feature, Unit
from features.language.languages import Language, translations
from features.language.message import Phrase, message_in
from serving.store.money import money_format
from serving.store.run import MoneyFormat

Write = Callable[[float], str]

_PLURALS = 200
"""Plural forms depend on a whole number's last two digits, or on the number itself if small."""


@cache
def feature_name(feature: Feature, language: Language) -> str:
    """What `feature` is called at the beginning of a sentence."""
    name = feature.meaning.into(language)
    return f"{name[0].upper()}{name[1:]}"


@cache
def writer(unit: Unit, currency: str, language: Language) -> Write:
    """The writer of values of this unit in words."""
    match unit:
        case "money":
            return _amount_writer(money_format(currency, language))
        case "yes_no":
            no, yes = (message_in("answer", "no"), message_in("answer", "yes"))
            answers = no.into(language), yes.into(language)
            return lambda value: answers[value > 0]
        case "days":
            return counted("1 day", "%(number)s days", language)
        case _:
            return _IN_ALL_LANGUAGES.get(unit, short)


@cache
def _amount_writer(form: MoneyFormat) -> Write:
    """One writer for all languages that write amounts alike."""
    return form.write


@cache
def counted(singular: str, plural: str, language: Language) -> Write:
    """The writer of a counted noun, with `%(number)s` in both texts; the call marks them."""
    catalogue = translations(language)
    forms = [catalogue.ngettext(singular, plural, number) for number in range(_PLURALS)]
    ready: dict[float, str] = {
        number: form % {"number": number} for number, form in enumerate(forms)
    }

    def write(value: float) -> str:
        if text := ready.get(value):
            return text
        number = short(value)
        digits = number.replace(",", "")
        # numbers that are not whole take the usual plural
        whole = int(digits) if digits.isdigit() else 2
        return forms[whole if whole < _PLURALS else 100 + whole % 100] % {"number": number}

    return write


@dataclass(frozen=True)
class FeatureName(Phrase):
    """What a feature is called at the beginning of a sentence."""

    feature: Feature

    def into(self, language: Language) -> str:
        """See `Phrase.into`."""
        return feature_name(self.feature, language)


def in_unit(unit: Unit, currency: str = "") -> Callable[[Language], Write]:
    """What writes a value of a unit, by language."""
    return partial(writer, unit, currency)


FigureKind = Unit | Literal["orders_counted", "every_days", "years"]
"""How a figure of a sentence is written: a value in its unit, or a counted noun."""


GAP_DIGITS = 1
"""Of the usual gap in days where it is published."""


def in_words(kind: FigureKind, currency: str = "") -> Callable[[Language], Write]:
    """What writes a figure of a kind, by language."""
    match kind:
        case "orders_counted":
            return counted_orders
        case "every_days":
            return every_days
        case "years":
            return whole_years
        case _:
            return in_unit(kind, currency)


def counted_orders(language: Language) -> Write:
    """The writer of a number of orders."""
    return counted("1 order", "%(number)s orders", language)


def every_days(language: Language) -> Write:
    """The writer of a usual gap in whole days, rounded from the gap as it is published."""
    write = counted("every day", "every %(number)s days", language)
    return lambda days: write(max(round(round(days, GAP_DIGITS)), 1))


def whole_years(language: Language) -> Write:
    """The writer of a time in days as the full years that it is longer than."""
    write = counted("1 year", "%(number)s years", language)
    return lambda days: write((days - 1) // 365)


def more_orders(language: Language) -> Write:
    """The writer of the number of orders that have come in since."""
    return counted("1 more order", "%(number)s more orders", language)


def _ratio(value: float) -> str:
    """As `short`, but a small ratio is not shown as 0."""
    if value >= 1 or value <= 0:
        return short(value)
    return "< 0.01" if value < 0.01 else f"{value:.2f}".rstrip("0").rstrip(".")


def _hour(value: float) -> str:
    return f"{int(value):02d}:{int(value % 1 * 60):02d}"


def short(value: float) -> str:
    """At most one decimal, and none where it is 0."""
    # adding zero turns the −0.0 of small negative values into 0
    return f"{round(value, 1) + 0.0:,.1f}".removesuffix(".0")


_IN_ALL_LANGUAGES: Mapping[Unit, Write] = {"share": "{:.0%}".format, "hour": _hour, "ratio": _ratio}
