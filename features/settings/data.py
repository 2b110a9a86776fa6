"""`[data]`: where the orders are and how to read them."""

from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from babel.numbers import get_currency_precision, list_currencies
from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from features.settings.columns import Columns
from features.settings.rules import Rules
from features.settings.section import ColumnName, Section
from features.settings.tables import (
    Acquisitions,
    Contacts,
    Customers,
    Identities,
    Interactions,
    Products,
)

GATES = frozenset(
    {
        *("unreadable_rows", "mostly_returns", "no_net_money", "nobody_holds_most"),
        *("orders_do_not_add_up", "status_undecided", "swapped_dates", "number_marks"),
        *("mixed_signs", "lost_digits"),
    }
)
"""Findings that say that orders are misread: they stop everything unless they are accepted."""

PUBLICATION_GATES = frozenset(
    {
        *("orders_dropped", "money_jumped", "null_scores", "total_moved", "bands_moved"),
        "inputs_drifted",
    }
)
"""What keeps a run from being published beside the one before, unless it is accepted."""

ACCEPTABLE = GATES | PUBLICATION_GATES

POSTGRES = ("postgresql://", "postgres://")


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is not an IANA time zone such as 'Europe/London'")
    return name


def _known_currency(code: str) -> str:
    if code not in list_currencies():
        raise ValueError(f"{code!r} is not an ISO 4217 currency code such as 'GBP'")
    return code


def _known_encoding(name: str) -> str:
    try:
        b"".decode(name)
    except LookupError:
        raise ValueError(f"{name!r} is not an encoding such as 'gb18030' or 'cp1252'") from None
    return name


def minor_units(currency: str, money_digits: int | None = None) -> int:
    """How many minor units make one unit of a currency, or of `money_digits` digits where given.

    >>> minor_units("GBP"), minor_units("JPY")
    (100, 1)
    """
    digits = get_currency_precision(currency) if money_digits is None else money_digits
    return int(10**digits)


TimeZone = Annotated[str, AfterValidator(_known_zone)]
Encoding = Annotated[str, AfterValidator(_known_encoding)]
Currency = Annotated[str, AfterValidator(_known_currency)]

# more digits would not fit the exact arithmetic of amounts
Rate = Annotated[Decimal, Field(gt=0, lt=10**6, decimal_places=12)]


class Data(Section):
    """Where the orders are and how to read them."""

    transactions: str = Field(repr=False)
    """Files, or the URL of a PostgreSQL database, which may hold a password."""
    table: str | None = Field(None, min_length=1)
    query: str | None = Field(None, min_length=1, validate_default=True)
    encoding: Encoding | None = None
    """How the text of CSV files is encoded; None: told from the bytes of each file."""
    sheet: str | None = Field(None, min_length=1)
    """The sheet of a workbook, or a pattern such as "*" for several; None: the one with orders."""
    timezone: TimeZone = "UTC"
    naive_timestamps: Literal["local", "utc"] = "local"
    """What a timestamp without an offset means: the time on the shop's wall, or UTC."""
    date_format: str | None = None
    """strptime pattern of `ordered_at` where it is text or a number and not ISO 8601, or one of
    `features.reading.values.dates.COUNTED`."""
    decimal: Literal[".", ","] = "."
    """The decimal mark of numbers in text columns."""
    thousands: Annotated[Literal[".", ",", " ", "'"] | None, Field(validate_default=True)] = None
    """The mark between groups of digits; None: "." where the decimal mark is a comma. Blanks and
    apostrophes are always read."""
    currency: Currency = "EUR"
    fill_down: tuple[ColumnName, ...] = ()
    """Columns that only the first line of an order fills."""
    tax: Literal["excluded", "included"] = "excluded"
    """Whether the amount holds the tax, which is then taken off by `columns.tax`."""
    shipping: Literal["excluded", "included"] = "excluded"
    """The same of shipping, by `columns.shipping`."""
    money_digits: Annotated[int | None, Field(ge=0, le=6, validate_default=True)] = None
    """Digits behind the decimal mark that amounts keep; None: those of the currency."""
    columns: Columns
    rules: Annotated[Rules, Field(validate_default=True)] = Rules()
    accept: dict[str, str] = Field(default_factory=dict)
    """The code of a finding that would stop → why the shop goes on all the same."""
    rates: dict[Currency, Rate] = Field(default_factory=dict)
    """What one unit of another currency is worth in `currency`."""
    products: Products | None = None
    identities: Identities | None = None
    interactions: Interactions | None = None
    contacts: Contacts | None = None
    customers: Customers | None = None
    acquisitions: Acquisitions | None = None

    @property
    def has_dated_tables(self) -> bool:
        """Whether there are optional tables that are read beside the orders, in one piece."""
        tables = (self.interactions, self.contacts, self.customers, self.acquisitions)
        return any(table is not None for table in tables)

    # on a field, like the money of `Columns`
    @field_validator("query")
    @classmethod
    def _place_is_known(cls, query: str | None, info: ValidationInfo) -> str | None:
        if not {"transactions", "table"} <= info.data.keys():
            return query
        given = (query is not None) + (info.data["table"] is not None)
        if info.data["transactions"].startswith(POSTGRES):
            if given != 1:
                raise ValueError("orders in PostgreSQL need either 'table' or 'query'")
        elif given:
            raise ValueError("'table' and 'query' are for orders in PostgreSQL, not in files")
        return query

    @field_validator("thousands")
    @classmethod
    def _marks_differ(cls, thousands: str | None, info: ValidationInfo) -> str | None:
        if thousands is not None and thousands == info.data.get("decimal"):
            raise ValueError(f"{thousands!r} is the decimal mark already (data.decimal)")
        return thousands

    @field_validator("rates")
    @classmethod
    def _rates_are_used(cls, rates: dict[str, Decimal], info: ValidationInfo) -> dict[str, Decimal]:
        columns, currency = info.data.get("columns"), info.data.get("currency")
        if rates and columns and columns.currency is None:
            raise ValueError("needs 'data.columns.currency', which says what each row is paid in")
        if rates.get(str(currency), 1) != 1:
            raise ValueError(f"one {currency} is one {currency}: leave its rate out")
        return rates

    @field_validator("rules")
    @classmethod
    def _order_money_is_mapped(cls, rules: Rules, info: ValidationInfo) -> Rules:
        columns = info.data.get("columns")
        if columns is None:
            return rules
        money = {columns.tax, columns.shipping, columns.refunded, columns.order_discount}
        money |= {columns.order_subtotal, columns.order_total, columns.amount, *columns.discount}
        if strangers := [name for name in rules.order_level if name not in money]:
            raise ValueError(
                f"order_level: {', '.join(map(repr, strangers))} is no column of amount, discount, "
                "refunded, tax or shipping in 'data.columns'"
            )
        if rules.order_level and columns.order_id is None:
            raise ValueError(
                "order_level needs 'data.columns.order_id', which says what an order is"
            )
        if info.data.get("tax") == "included" and columns.tax is None:
            raise ValueError("tax = \"included\" needs 'data.columns.tax', which is taken off")
        if info.data.get("shipping") == "included" and columns.shipping is None:
            raise ValueError(
                "shipping = \"included\" needs 'data.columns.shipping', which is taken off"
            )
        return rules

    @field_validator("accept")
    @classmethod
    def _with_reasons(cls, accept: dict[str, str]) -> dict[str, str]:
        if strangers := sorted(accept.keys() - ACCEPTABLE):
            raise ValueError(
                f"{', '.join(strangers)}: nothing that can be accepted (what can be: {', '.join(sorted(ACCEPTABLE))})"
            )
        if silent := [code for code, reason in accept.items() if not reason]:
            raise ValueError(f"{', '.join(silent)}: say why")
        return accept

    def named_beside(self) -> dict[str, tuple[str, ...]]:
        """Setting → the columns of the orders that it names, for those beside `columns`."""
        named = {
            "fill_down": self.fill_down,
            "rules.none_when_filled": self.rules.none_when_filled,
            "rules.none_when_empty": self.rules.none_when_empty,
        }
        return {setting: columns for setting, columns in named.items() if columns}

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def minor_units(self) -> int:
        """How many units of counting make one unit of the currency: 100 for GBP, 1 for JPY.

        More where `money_digits` keeps more.
        """
        return minor_units(self.currency, self.money_digits)
