"""Where the shop is: time zone, currency, and what clock the timestamps follow."""

import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
from babel.core import Locale
from babel.numbers import get_territory_currencies, list_currencies

from features.proposal.columns import Column
from features.proposal.draft import Draft, percent
from features.proposal.names import spaced
from features.settings.data import Data
from features.sql_text import identifier

_DOMINANT = 0.6
_USUAL = 0.9
_MOST = 0.5
_SOME = 0.02
_NIGHT_HOURS = 5
_QUIET_CENTRE = 3
"""Shops are quietest around three in the morning."""

_SIGNS = {
    "€": ("EUR",), "£": ("GBP",), "$": ("USD",), "₹": ("INR",), "R$": ("BRL",), "₩": ("KRW",),
    "zł": ("PLN",), "₺": ("TRY",), "₽": ("RUB",), "CHF": ("CHF",), "¥": ("CNY",), "￥": ("CNY",),
}  # fmt: skip
_SHARED_SIGNS = ("$", "£", "¥", "￥")
"""Signs of several currencies; the commonest is proposed."""

_ALIASES = {"uk": "GB", "great britain": "GB", "england": "GB", "usa": "US", "eire": "IE"}
_ALIASES |= {"united states of america": "US", "holland": "NL", "korea": "KR", "south korea": "KR"}


@dataclass(frozen=True)
class Place:
    """Proposed `timezone` and `currency`, and a comment each, with CHECK where it is open.

    `other_currencies` are those of rows in another one, with the number of rows.
    """

    timezone: str
    timezone_comment: str
    currency: str
    currency_comment: str
    clock_comment: str
    clock: Literal["local", "utc"] | None = None
    other_currencies: dict[str, int] = field(default_factory=dict)


def find_place(draft: Draft) -> Place:
    """Guess time zone and currency; say in the notes what is a guess."""
    country = _main_country(draft) or _chinese(draft)
    zone, zone_comment = _zone(draft, country)
    named, other_currencies = _paid_in(draft)
    currency, currency_comment = named or _currency(draft, country)
    clock, clock_comment = _clock(draft)
    return Place(
        zone, zone_comment, currency, currency_comment, clock_comment, clock, other_currencies
    )


def _chinese(draft: Draft) -> tuple[str, str] | None:
    """China, where most columns are named in its writing."""
    names = list(draft.log.columns)
    chinese = sum(bool(re.search(r"[\u4e00-\u9fff]", name)) for name in names)
    if chinese * 2 <= len(names):
        return None
    return "CN", "the columns are named in Chinese"


def _main_country(draft: Draft) -> tuple[str, str] | None:
    """Territory code of most rows and where it was read; None if there is none."""
    for column in draft.log.columns.values():
        if not column.is_text or column.distinct > 400:
            continue
        counts = column.values.dropna().value_counts(normalize=True)
        territories = {
            str(value): code for value in counts.index if (code := _territory(str(value)))
        }
        named = "country" in spaced(column.name) or spaced(column.name) in (
            "land",
            "pays",
            "nation",
            "国家",
        )
        if (
            sum(counts[value] for value in territories) < (0.8 if named else 0.98)
            or not territories
        ):
            continue
        # two letters may be anything: states, sizes, languages
        if not named and all(len(value) <= 3 for value in territories):
            continue
        top = str(counts.index[0])
        if top in territories and counts.iloc[0] >= _DOMINANT:
            return territories[top], f"{percent(float(counts.iloc[0]))} of '{column.name}' is {top}"
    return None


@cache
def _territory(text: str) -> str | None:
    return _territories().get(text.strip().casefold())


@cache
def _territories() -> dict[str, str]:
    """Country names in several languages, and ISO codes → ISO code."""
    names: dict[str, str] = {}
    for language in ("en", "de", "fr", "es", "it", "pt", "nl", "zh"):
        territories = Locale(language).territories.items()
        names |= {
            name.casefold(): code for code, name in territories if len(code) == 2 and code.isalpha()
        }
    return names | {code.casefold(): code for code in names.values()} | _ALIASES


def _zone(draft: Draft, country: tuple[str, str] | None) -> tuple[str, str]:
    when = draft.column("ordered_at")
    if draft.layout is not None and draft.layout.timezone:
        zone = draft.layout.timezone
        return zone, f"{draft.layout.system} writes the time there."
    zones = _zones(country[0]) if country else ()
    if country and zones:
        several = f", one of {len(zones)} zones there" if len(zones) > 1 else ""
        draft.note(f"Time zone {zones[0]} is a guess: {country[1]}{several}. Check data.timezone.")
        return zones[0], f"CHECK: a guess, since {country[1]}{several}."
    offset = when is not None and when.has_offset
    draft.note(
        "The shop's time zone cannot be told from the file: set data.timezone"
        + (" (it decides on which day an order falls)." if offset else " (UTC is assumed).")
    )
    return "UTC", "CHECK: cannot be told from the file. An IANA name such as Europe/London."


@cache
def _zones(territory: str) -> tuple[str, ...]:
    """Time zones of a territory, the most populous first (the order of the tz database)."""
    lines = files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8").splitlines()
    parts = [line.split("\t") for line in lines if not line.startswith("#")]
    return tuple(part[2] for part in parts if part[0] == territory)


def _paid_in(draft: Draft) -> tuple[tuple[str, str] | None, dict[str, int]]:
    """The currency of most rows by a column that says it, and the rows of the others.

    The column is read where it says something of every row, or where there is more than one.
    """
    mapped = draft.column("currency")
    draft.drop("currency")
    for column in [mapped] if mapped is not None else draft.liked("currency"):
        rows = draft.log.query(f"""
            SELECT upper(trim({identifier(column.name)}::VARCHAR)) AS code, count(*) AS rows
            FROM log_lines GROUP BY code ORDER BY rows DESC, code""").set_index("code")["rows"]
        coded = rows[[isinstance(code, str) and code != "" for code in rows.index]]
        codes = coded[coded.index.isin(list(list_currencies()))]
        if not column.is_text or codes.sum() < _USUAL * coded.sum():
            continue
        main, other_codes = str(codes.index[0]), {str(c): int(n) for c, n in codes.iloc[1:].items()}
        if other_codes or codes.sum() == rows.sum():
            draft.take("currency", column, f"{percent(codes.iloc[0] / rows.sum())} in {main}")
        if other_codes:
            listed = ", ".join(f"{code} ({count:,} rows)" for code, count in other_codes.items())
            draft.note(
                f"'{column.name}' says that rows are paid in {main}, but also in {listed}: say in "
                f"data.rates what one unit of each is worth in {main}, or they are refused."
            )
        return (main, f"{percent(codes.iloc[0] / rows.sum())} of '{column.name}'"), other_codes
    return None, {}


def _currency(draft: Draft, country: tuple[str, str] | None) -> tuple[str, str]:
    money = [name for field in ("amount", "unit_price") for name in draft.mapped.get(field, ())]
    for name in money:
        codes = {word.upper() for word in spaced(name).split()} & list_currencies()
        if len(codes) == 1:
            return codes.pop(), f"from the name of '{name}'"
    if draft.layout is not None and draft.layout.currency:
        return draft.layout.currency, f"{draft.layout.system} counts in it."
    signs = {draft.log.columns[name].currency_sign for name in money} - {None}
    codes = {code for sign in signs for code in _SIGNS.get(str(sign), ())}
    if len(codes) == 1:
        code, sign = codes.pop(), signs.pop()
        check = "CHECK: a guess, since" if sign in _SHARED_SIGNS else "since"
        if sign in _SHARED_SIGNS:
            draft.note(
                f"Currency {code} is a guess: amounts are written with '{sign}'. Check data.currency."
            )
        return code, f"{check} amounts are written with '{sign}'."
    if country and (codes_there := get_territory_currencies(country[0])):
        draft.note(f"Currency {codes_there[0]} is a guess: {country[1]}. Check data.currency.")
        return codes_there[0], f"CHECK: a guess, since {country[1]}."
    draft.note("The currency cannot be told from the file: set data.currency.")
    default = str(Data.model_fields["currency"].default)
    return default, "CHECK: cannot be told from the file. An ISO 4217 code such as GBP."


def _clock(draft: Draft) -> tuple[Literal["local", "utc"] | None, str]:
    """What clock the times follow, and a comment if the shop seems open at night by it."""
    column = draft.column("ordered_at")
    if column is None or column.has_offset:
        return None, ""
    if re.search(r"\b(utc|gmt)\b", column.name, re.IGNORECASE):
        return "utc", f"'{column.name}' says so."
    if draft.layout is not None and draft.layout.naive_timestamps:
        return draft.layout.naive_timestamps, f"{draft.layout.system} writes it so."
    return None, _clock_by_nights(draft, column)


def _clock_by_nights(draft: Draft, column: Column) -> str:
    """A comment if the shop seems open at night: the clock is hardly the shop's then."""
    times = draft.times.dropna()
    if (times == times.dt.normalize()).mean() > _MOST:
        draft.note(f"'{column.name}' has no time of day: orders count by day.")
        return ""
    share = times.dt.hour.value_counts(normalize=True).reindex(range(24), fill_value=0.0).to_numpy()
    spans = [float(np.roll(share, -start)[:_NIGHT_HOURS].sum()) for start in range(24)]
    quiet = spans.index(min(spans))
    if spans[0] < _SOME or spans[0] < 3 * spans[quiet]:
        return ""
    hints = (
        f"{percent(spans[0])} of the orders fall between 0 and {_NIGHT_HOURS} o'clock and the quietest "
        f"hours are {quiet} to {(quiet + _NIGHT_HOURS) % 24}"
    )
    behind = (quiet + _NIGHT_HOURS // 2 - _QUIET_CENTRE + 12) % 24 - 12
    side = f"UTC−{behind}" if behind > 0 else f"UTC+{-behind}"
    draft.note(
        f"{hints}: the clock is probably UTC and the shop near {side}. Set data.timezone to the shop's "
        'zone and data.naive_timestamps = "utc".'
    )
    return f'CHECK: probably "utc", since {hints}.'
