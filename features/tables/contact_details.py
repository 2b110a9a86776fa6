"""How customers can be reached, read from the shop's own table when a file needs it.

Addresses are kept nowhere: neither in the order log nor in models or score runs.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

import duckdb

from features.errors import DataError
from features.reading.mapping import id_text, plain_text
from features.settings.feature_settings import FeatureSettings
from features.settings.tables import Customers
from features.sources import missing_columns, refusal
from features.sources.files import open_files
from features.sql import engine
from features.tables.accounts import person_by_id
from features.tables.reached import ContactDetails, mail_address
from features.tables.table_readings import yes_or_no

_COLUMNS = ("name", "contact", "email", "phone", "language")
_PHONE = re.compile(r"\+?[\d\s().\-/]{6,30}")


def contact_details(
    settings: FeatureSettings, customer_ids: Collection[str]
) -> Mapping[str, ContactDetails]:
    """What `data.customers` says of some customers; nobody of whom it says nothing.

    Of several rows of a customer the first that says something counts, and one refusal is enough.
    A mail address that somebody who refused also has is nobody's.
    `data.customers.contact` is a mail address or a phone number where it looks like one.

    Raises
    ------
    DataError
        When the table cannot be read or lacks a column.
    """
    table = settings.data.customers
    if table is None or not customer_ids:
        return {}
    with engine(settings.engine) as connection:
        asked = {customer_id: customer_id for customer_id in customer_ids}
        if settings.data.identities is not None:
            persons = person_by_id(connection, settings.data.identities, settings)
            asked |= {card: person for card, person in persons.items() if person in asked}
        connection.execute(
            "CREATE TABLE asked AS SELECT unnest(?) AS own_id, unnest(?) AS customer_id",
            [list(asked), list(asked.values())],
        )
        try:
            rows = _rows(connection, settings, table)
            refused = _refused_addresses(connection)
        except duckdb.Error as error:
            raise DataError(f"data.customers: cannot be read: {refusal(error)}") from None
    details = {str(customer_id): _details(*values) for customer_id, *values in rows}
    return {
        customer_id: replace(own, email=None)
        if own.email is not None and own.email.lower() in refused
        else own
        for customer_id, own in details.items()
    }


def _rows(
    connection: duckdb.DuckDBPyConnection, settings: FeatureSettings, table: Customers
) -> list[tuple[object, ...]]:
    """Per customer that is asked for: id, consent and `_COLUMNS`."""
    source = open_files(table.path, settings.root, setting="data.customers.path")
    types = source.columns(connection)
    named: dict[str, tuple[str, ...]] = {
        name: (column,)
        for name in ("customer_id", "consent", *_COLUMNS)
        if (column := getattr(table, name))
    }
    if problems := missing_columns(types, named, source.name, "data.customers"):
        raise DataError(problems)
    connection.execute(f"CREATE TABLE source_customers AS {source.relation(connection)}")
    source.verify(connection, "source_customers")
    own = id_text(table.customer_id, types, "source_customers")
    fields = ", ".join(f"{plain_text(getattr(table, name), types)} AS {name}" for name in _COLUMNS)
    first = ", ".join(
        f"arg_min({name}, (source_file, source_row)) FILTER ({name} IS NOT NULL)"
        for name in _COLUMNS
    )
    connection.execute(f"""
        CREATE TABLE typed AS
        SELECT source_file, source_row, {own} AS own_id,
               {yes_or_no(plain_text(table.consent, types))} AS consent, {fields}
        FROM source_customers""")
    return connection.execute(f"""
        SELECT customer_id, bool_and(consent), {first}
        FROM typed JOIN asked USING (own_id) GROUP BY customer_id""").fetchall()


def _refused_addresses(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The mail addresses, in lower case, of everybody in the table who refused."""
    texts = connection.execute("""
        SELECT email FROM typed WHERE NOT consent AND email IS NOT NULL
        UNION SELECT contact FROM typed WHERE NOT consent AND contact IS NOT NULL""").fetchall()
    addresses = (mail_address(str(text)) for (text,) in texts)
    return frozenset(address.lower() for address in addresses if address is not None)


def _details(*values: object) -> ContactDetails:
    consent, name, contact, email, phone, language = values
    reached = str(contact) if contact else ""
    return ContactDetails(
        consent=None if consent is None else bool(consent),
        name=_text(name),
        email=mail_address(_text(email)) or mail_address(reached),
        phone=_text(phone) or (reached.strip() if _PHONE.fullmatch(reached.strip()) else None),
        language=_text(language),
    )


def _text(value: object) -> str | None:
    return str(value).strip() or None if value is not None else None
