"""How amounts of a currency are written."""

from babel.numbers import format_currency, get_currency_precision

from features.language.languages import SOURCE, Language
from serving.store.run import MoneyFormat


def money_format(currency: str, language: Language = SOURCE) -> MoneyFormat:
    """How amounts in `currency` (an ISO 4217 code) are written."""
    prefix = format_currency(0, currency, format="¤", locale=language)
    # A bare code needs room before the figure; a sign does not.
    prefix = f"{prefix}\N{NO-BREAK SPACE}" if prefix.isalpha() else prefix
    return MoneyFormat(prefix=prefix, digits=get_currency_precision(currency))
