"""Who may be the same person: proposals for people to decide, never merged by themselves.

Fellegi and Sunter's model of record linkage (Journal of the American Statistical Association 64,
1969), computed by splink on the engine. Its parameters are fixed and not learned from the shop:
how often two entries of one person agree, and how often those of two persons do by chance. So a
proposal means the same in every shop, small ones included.
"""

import duckdb
import pandas as pd

from features.errors import ConfigError, DataError
from features.libraries.extras import require_extra
from features.reading.mapping import id_text, plain_text
from features.settings.feature_settings import FeatureSettings
from features.settings.tables import Customers
from features.sources import missing_columns
from features.sources.files import open_files
from features.sql import engine
from features.tables.accounts import person_by_id

SAME_BEFORE = 1e-4
"""P(two entries are of one person), before anything is compared."""

AGREE = {
    # of one person: mail addresses and phones change; by chance two people share hardly one
    "email": (0.8, 1e-6),
    "phone": (0.8, 1e-5),
    "postcode": (0.9, 1e-3),
}
"""Field → P(agree | one person), P(agree | two persons)."""

NAMES = ((0.7, 2e-4), (0.2, 1e-3), (0.1, 1 - 1.2e-3))
"""The same of names that are equal, alike (Jaro and Winkler at least 0.9), and different."""

COLUMNS = (
    "card_id",
    "customer_id",
    "probability",
    "same_email",
    "same_phone",
    "same_postcode",
    "name",
)
_FIELDS = ("name", "email", "phone", "postcode")


def same_person_candidates(settings: FeatureSettings, *, least: float = 0.5) -> pd.DataFrame:
    """Pairs of customers of `data.customers` with the same mail address, phone, or name and postcode.

    Parameters
    ----------
    least : probability from which a pair is proposed, 0–1

    Returns
    -------
    One row per pair that the table of identities does not join already, the surest first:
    `card_id`, `customer_id` (as that table writes a decision: the first is the second's),
    `probability`, `same_email`, `same_phone`, `same_postcode` (NA where one is not known) and `name`:
    `same`, `alike` or `different`.

    Raises
    ------
    ConfigError
        Without splink, or where the settings name no column to compare.
    DataError
        When a table cannot be read.
    """
    table = settings.data.customers
    if table is None or not any(getattr(table, name) for name in ("email", "phone", "postcode")):
        raise ConfigError(
            "proposals need data.customers with email, phone, or name and postcode in regulars.toml."
        )
    require_extra("matching", "Proposing who may be the same person")
    with engine(settings.engine) as connection:
        people = _people(connection, settings, table)
        identities = settings.data.identities
        joined = {} if identities is None else person_by_id(connection, identities, settings)
    pairs = _predicted(people, least) if len(people) > 1 else pd.DataFrame()
    return _proposals(pairs, joined)


def _people(
    connection: duckdb.DuckDBPyConnection, settings: FeatureSettings, table: Customers
) -> pd.DataFrame:
    """One row per customer with the fields as they are compared, None where one is not known."""
    source = open_files(table.path, settings.root, setting="data.customers.path")
    types = source.columns(connection)
    named: dict[str, tuple[str, ...]] = {
        name: (column,) for name in ("customer_id", *_FIELDS) if (column := getattr(table, name))
    }
    if problems := missing_columns(types, named, source.name, "data.customers"):
        raise DataError(problems)
    connection.execute(f"CREATE TABLE source_customers AS {source.relation(connection)}")
    text = {name: plain_text(getattr(table, name), types) for name in _FIELDS}
    compared = {
        "name": f"lower(regexp_replace({text['name']}, '[^\\p{{L}}\\p{{N}}]+', ' ', 'g'))",
        "email": f"lower({text['email']})",
        # without the code of the country, which some write and others do not
        "phone": f"right(regexp_replace({text['phone']}, '[^0-9]', '', 'g'), 9)",
        "postcode": f"upper(regexp_replace({text['postcode']}, '[^A-Za-z0-9]', '', 'g'))",
    }
    fields = ", ".join(f"nullif(trim({sql}), '') AS {name}" for name, sql in compared.items())
    own = id_text(table.customer_id, types, "source_customers")
    return connection.execute(f"""
        SELECT customer_id, {", ".join(f"any_value({name}) AS {name}" for name in _FIELDS)}
        FROM (SELECT {own} AS customer_id, {fields} FROM source_customers)
        WHERE customer_id IS NOT NULL GROUP BY customer_id ORDER BY customer_id""").df()


def _predicted(people: pd.DataFrame, least: float) -> pd.DataFrame:
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on
    from splink import comparison_library as compare

    exact = [
        compare.ExactMatch(name).configure(
            m_probabilities=[of_one, 1 - of_one], u_probabilities=[of_two, 1 - of_two]
        )
        for name, (of_one, of_two) in AGREE.items()
    ]
    names = compare.JaroWinklerAtThresholds("name", [0.9]).configure(
        m_probabilities=[of_one for of_one, _ in NAMES],
        u_probabilities=[of_two for _, of_two in NAMES],
    )
    rules = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="customer_id",
        probability_two_random_records_match=SAME_BEFORE,
        comparisons=[*exact, names],
        blocking_rules_to_generate_predictions=[
            block_on("email"),
            block_on("phone"),
            block_on("name", "postcode"),
        ],
    )
    linker = Linker(DuckDBAPI().register(people), rules, log_level="ERROR")
    predicted = linker.inference.predict(threshold_match_probability=least)
    return pd.DataFrame(predicted.as_pandas_dataframe())


def _proposals(pairs: pd.DataFrame, joined: dict[str, str]) -> pd.DataFrame:
    rows = []
    for pair in pairs.to_dict("records"):
        ids = sorted((str(pair["customer_id_l"]), str(pair["customer_id_r"])))
        first, second = (joined.get(customer_id, customer_id) for customer_id in ids)
        if first == second:
            continue
        agree = [
            None if pair[f"gamma_{name}"] < 0 else bool(pair[f"gamma_{name}"])
            for name in ("email", "phone", "postcode")
        ]
        name = {2: "same", 1: "alike", 0: "different"}.get(int(pair["gamma_name"]))
        rows.append((ids[1], ids[0], round(float(pair["match_probability"]), 4), *agree, name))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    order = ["probability", "customer_id", "card_id"]
    return table.sort_values(order, ascending=[False, True, True], ignore_index=True)
