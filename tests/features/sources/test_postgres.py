"""Orders in PostgreSQL: read exactly, in one snapshot, never written to, no password said."""

import dataclasses
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import quote

import duckdb
import pandas as pd
import psycopg
import pytest
from psycopg import sql

from features.engines.build import build_features
from features.errors import ConfigError, DataError
from features.orders.log import OrderLog, check_orders, read_orders
from features.proposal import propose
from features.settings.engine import Engine
from features.settings.loading import load_settings
from features.sources import open_source
from features.sql import engine
from serving.settings import Settings
from tests.support.postgres import PASSWORD, PostgresServer, needed_binaries, running_postgres
from tests.support.shop import busy_orders, shop_settings

COLUMN_TYPES = {
    "customer": "text",
    "order": "varchar(40)",
    "time": "timestamp",
    "product": "text",
    "name": "text",
    "category": "text",
    "quantity": "integer",
    "amount": "numeric(12, 2)",
    "discount": "numeric",
}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    binaries = needed_binaries()
    with running_postgres(binaries) as server:
        yield server


@pytest.fixture
def database(server):
    """A session of the owner, whose tables and users are gone after the test."""
    with server.session() as session:
        yield session
        session.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


@pytest.fixture
def reader(database):
    """A user who may log in, and read what is granted."""
    database.execute("CREATE ROLE reader LOGIN PASSWORD 'readers word'")
    database.execute("GRANT USAGE ON SCHEMA public TO reader")
    yield "reader"
    database.execute("DROP OWNED BY reader; DROP ROLE reader")


@pytest.fixture
def connection():
    with engine(Engine()) as connection:
        yield connection


def store(
    session: psycopg.Connection, lines: pd.DataFrame, types: dict[str, str] = COLUMN_TYPES
) -> None:
    """Make `lines` the table `orders`."""
    names = [sql.Identifier(name) for name in types]
    declared = [
        sql.SQL("{} {}").format(name, sql.SQL(kind))
        for name, kind in zip(names, types.values(), strict=True)
    ]
    session.execute(sql.SQL("CREATE TABLE orders ({})").format(sql.SQL(", ").join(declared)))
    rows = lines[list(types)].astype(object).where(lines[list(types)].notna(), None)
    with session.cursor() as cursor, cursor.copy("COPY orders FROM STDIN") as copy:
        for row in rows.itertuples(index=False):
            copy.write_row(row)


def read(connection: duckdb.DuckDBPyConnection, url: str, **place: str) -> pd.DataFrame:
    """The rows as the engine gets them."""
    source = open_source(url, Path(), **place)
    types = source.columns(connection)
    connection.execute(f"CREATE OR REPLACE TABLE found AS {source.relation(connection)}")
    source.verify(connection, "found")
    found = connection.execute("SELECT * FROM found ORDER BY source_row").df()
    assert list(found.columns) == [*types, "source_file", "source_row"]
    return found


def texts(connection: duckdb.DuckDBPyConnection, url: str, query: str) -> dict[str, str | None]:
    """Column → its value in the only row, as the engine writes it."""
    relation = open_source(url, Path(), query=query).relation(connection)
    found = connection.execute(f"SELECT COLUMNS(*)::VARCHAR FROM ({relation})")
    names = [column[0] for column in found.description]
    (values,) = found.fetchall()
    return dict(zip(names, values, strict=True))


def refused(connection: duckdb.DuckDBPyConnection, url: str, **place: str) -> str:
    with pytest.raises(DataError) as caught:
        read(connection, url, **place)
    assert "\n" not in str(caught.value)
    assert "canary" not in str(caught.value)
    return str(caught.value)


def in_database(folder: Path, url: str, **place: str) -> Settings:
    return shop_settings(folder, data={"transactions": url, **place})


def content(log: OrderLog) -> tuple[str, dict[str, object]]:
    """Fingerprint and report, but for the name of the source."""
    return log.fingerprint, dataclasses.asdict(dataclasses.replace(log.report, source=""))


# The same log from anywhere


def test_parquet_csv_table_and_query_give_the_same_log(tmp_path, server, database):
    lines = busy_orders()
    store(database, lines)
    lines.to_parquet(tmp_path / "orders.parquet")
    lines.to_csv(tmp_path / "orders.csv", index=False)
    shuffled = 'SELECT * FROM orders ORDER BY amount, "order"; '
    shops = [
        shop_settings(tmp_path, data={"transactions": "orders.csv"}),
        in_database(tmp_path, server.url(), table="orders"),
        in_database(tmp_path, server.url(), table="public.orders"),
        in_database(tmp_path, server.url(), query=shuffled),
    ]
    with read_orders(shop_settings(tmp_path)) as log:
        expected, features = content(log), build_features(log, date(2024, 7, 1))
    assert len(features) > 20
    for shop in shops:
        with read_orders(shop) as log:
            assert content(log) == expected
            pd.testing.assert_frame_equal(build_features(log, date(2024, 7, 1)), features)


def test_a_decimal_comma_in_texts_leaves_numbers_of_the_database_alone(tmp_path, server, database):
    store(database, busy_orders(), COLUMN_TYPES | {"discount": "text"})
    database.execute("UPDATE orders SET discount = replace(discount, '.', ',')")
    shop = in_database(tmp_path, server.url(), table="orders", decimal=",")
    with read_orders(shop) as log:
        (found,) = log.connection.execute("SELECT sum(amount), sum(discount) FROM lines").fetchall()
    sums = "sum(amount) * 100, sum(replace(discount, ',', '.')::numeric) * 100"
    assert found == database.execute(f"SELECT {sums} FROM orders").fetchone()


def test_rows_put_aside_say_where_they_stand(tmp_path, server, database):
    lines = busy_orders()
    store(database, lines)
    database.execute("""
        INSERT INTO orders ("order", "time", quantity, amount) VALUES
        ('never', NULL, 1, 1), ('always', 'infinity', 1, 1), ('rome', '0044-03-15 BC', 1, 1),
        ('nothing', '2024-01-02', 1, 'NaN')""")
    shop = in_database(tmp_path, server.url(), table="public.orders")
    with check_orders(shop) as report:
        reasons = {count.reason: count.rows for count in report.quarantined}
    assert reasons == {"missing_date": 1, "impossible_date": 2, "bad_amount": 1}
    assert report.rows_read == len(lines) + 4
    aside = pd.read_parquet(shop.path(shop.store.quarantine))
    assert set(aside["source_file"]) == {"public.orders"}
    assert list(aside["source_row"] - len(lines)) == [1, 2, 3, 4]
    assert list(aside["order"]) == ["never", "always", "rome", "nothing"]
    assert list(aside["amount"]) == ["1.00", "1.00", "1.00", "NaN"]


# Values


@pytest.mark.parametrize(
    ("expression", "kind", "text"),
    [
        ("1::smallint", "BIGINT", "1"),
        ("(-9223372036854775808)::bigint", "BIGINT", "-9223372036854775808"),
        ("0.1::real", "DOUBLE", "0.1"),
        ("(0.1 + 0.2)::float8", "DOUBLE", "0.3"),
        ("0.1::float8 + 0.2::float8", "DOUBLE", "0.30000000000000004"),
        ("'NaN'::float8", "DOUBLE", "nan"),
        ("'-Infinity'::float4", "DOUBLE", "-inf"),
        ("1.10::numeric(12, 2)", "DECIMAL", "1.10"),
        (f"{'9' * 50}.{'8' * 50}::numeric", "DECIMAL", f"{'9' * 50}.{'8' * 50}"),
        ("'NaN'::numeric", "DECIMAL", "NaN"),
        ("1234.5::numeric::money", "DECIMAL", "1234.50"),
        ("true", "BOOLEAN", "true"),
        ("date '2024-02-29'", "DATE", "2024-02-29"),
        ("date '0044-03-15 BC'", "DATE", "0044-03-15 (BC)"),
        ("timestamp '2024-01-02 03:04:05.123456'", "TIMESTAMP", "2024-01-02 03:04:05.123456"),
        ("timestamp '-infinity'", "TIMESTAMP", "-infinity"),
        (
            "timestamptz '2024-01-02 03:04:05+09'",
            "TIMESTAMP WITH TIME ZONE",
            "2024-01-01 18:04:05+00",
        ),
        ("timestamptz 'infinity'", "TIMESTAMP WITH TIME ZONE", "infinity"),
        ("''::text", "VARCHAR", ""),
        ("E'a\\r\\n\"b\",\\\\.\\tü 订单 🛒'::text", "VARCHAR", 'a\r\n"b",\\.\tü 订单 🛒'),
        ("'\\.'::text", "VARCHAR", "\\."),
        ("'{\"a\": [1]}'::jsonb", "VARCHAR", '{"a": [1]}'),
        ("ARRAY[1, 2]", "VARCHAR", "{1,2}"),
        (
            "'00000000-0000-0000-0000-000000000007'::uuid",
            "VARCHAR",
            f"{'0' * 8}-0000-0000-0000-{7:012}",
        ),
    ],
)
def test_values_arrive_as_they_are(server, connection, expression, kind, text):
    query = f"SELECT {expression} AS value, NULL AS nothing"
    source = open_source(server.url(), Path(), query=query)
    assert source.columns(connection) == {"value": kind, "nothing": "VARCHAR"}
    found = texts(connection, server.url(), query=query)
    assert found == {"value": text, "nothing": None, "source_file": "query", "source_row": "1"}


def test_a_missing_value_of_any_type_is_missing(server, connection):
    kinds = ("int", "numeric", "float8", "money", "bool", "date", "timestamptz", "text")
    fields = ", ".join(f'NULL::{kind} AS "{kind}"' for kind in kinds)
    found = texts(connection, server.url(), query=f"SELECT {fields}")
    assert {found[kind] for kind in kinds} == {None}


def test_names_are_taken_as_they_are(server, database, connection):
    database.execute("""
        CREATE TABLE "My ""Orders"".2024; DROP" ("Kunde %s", "a""b", filename) AS
        SELECT 'c1', 2, NULL""")
    found = read(connection, server.url(), table='"My ""Orders"".2024; DROP"')
    assert list(found.columns)[:3] == ["Kunde %s", 'a"b', "filename"]
    assert found.loc[0, "Kunde %s"] == "c1"


def test_a_database_in_another_encoding_is_read(server, database, connection):
    database.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    url = server.url().replace("/postgres", "/latin")
    try:
        found = read(connection, url, query="SELECT chr(252) AS name")
        assert found.loc[0, "name"] == "ü"
    finally:
        database.execute("DROP DATABASE latin")


def test_a_view_and_one_column_of_missing_values_are_read(server, database, connection):
    database.execute("CREATE VIEW v AS SELECT nullif(n, 2) AS n FROM generate_series(1, 3) AS n")
    assert read(connection, server.url(), table="v")["n"].isna().tolist() == [False, True, False]


def test_many_rows_stay_in_their_order(server, connection):
    query = "SELECT n, repeat(E'\\n', n % 5) || n AS lines FROM generate_series(1, 200000) AS n"
    found = read(connection, server.url(), query=query + " -- all of them")
    assert (found["n"] == found["source_row"]).all()
    assert (found["lines"].str.strip() == found["n"].astype(str)).all()
    assert found["n"].iloc[-1] == 200_000


# Nothing is written


WRITES = [
    "DELETE FROM orders",
    "DELETE FROM orders RETURNING *",
    "WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone",
    "SELECT * FROM orders; DELETE FROM orders",
    "SELECT 1) AS x; COMMIT; DELETE FROM orders; SELECT * FROM (SELECT 1",
    "SELECT 1) AS x LIMIT 0; COMMIT; DELETE FROM orders --",
    "SELECT * FROM orders) TO PROGRAM 'touch written' --",
    "SELECT * FROM orders FOR UPDATE",
    "SELECT nextval('numbers')",
    "SELECT remove_all()",
    "SELECT set_config('transaction_read_only', 'off', true), remove_all()",
]


@pytest.mark.parametrize("query", WRITES)
def test_a_query_that_would_write_is_refused(server, database, connection, query):
    store(database, busy_orders())
    database.execute("CREATE SEQUENCE numbers")
    database.execute(
        "CREATE FUNCTION remove_all() RETURNS int LANGUAGE sql AS 'DELETE FROM orders RETURNING 1'"
    )
    before = database.execute("SELECT count(*) FROM orders").fetchone()
    assert "Mend data.query in regulars.toml; it may only read." in refused(
        connection, server.url(), query=query
    )
    assert database.execute("SELECT count(*) FROM orders").fetchone() == before


def test_a_reading_sees_the_database_as_it_was_when_it_began(server, database, tmp_path):
    store(database, busy_orders())
    source = open_source(server.url(), Path(), table="orders")
    with source._session() as session:
        columns = source._described(session)
        database.execute("INSERT INTO orders SELECT * FROM orders")
        source._fetch(session, columns, tmp_path / "lines.parquet")
    assert len(pd.read_parquet(tmp_path / "lines.parquet")) == len(busy_orders())


def test_no_session_is_left_behind(server, database, connection):
    read(connection, server.url(), query="SELECT 1 AS a")
    refused(
        connection,
        server.url(),
        query="SELECT 1 / (n - 90000) AS a FROM generate_series(1, 100000) AS n",
    )
    # the server ends a closed session a moment later
    still_open = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'regulars'"
    deadline = time.monotonic() + 30
    while database.execute(still_open).fetchone() != (0,):
        assert time.monotonic() < deadline
        database.execute("SELECT pg_sleep(0.01)")


# What goes wrong is one line, without the password


def test_what_the_server_refuses(server, database, reader, connection):
    database.execute("CREATE TABLE empty (a int); CREATE TABLE secret AS SELECT 1 AS a")

    def said(url: str = server.url(), **place: str) -> str:
        return refused(connection, url, **place)

    asked = server.url(reader, "readers word")
    assert said(table="Empty") == (
        'Empty at postgresql://127.0.0.1/postgres: relation "Empty" does not exist. Set data.table '
        "in regulars.toml; names in quotes or in data.table count exactly as written, capitals too."
    )
    assert 'relation "no.where" does not exist' in said(table="no.where")
    assert "too many dotted names" in said(table="a.b.c.d")
    assert "empty at postgresql://127.0.0.1/postgres: no rows. Set data.table" in said(
        table="empty"
    )
    assert "no rows" in said(query="SELECT 1 AS a WHERE false")
    assert said(asked, table="secret").endswith(
        "permission denied for table secret. Let the user of data.transactions read it."
    )
    assert 'syntax error at or near "FORM"' in said(query="SELECT * FORM secret")
    assert 'column "b" does not exist. Mend data.query' in said(query="SELECT b FROM secret")
    assert "several columns are called 'a'" in said(query="SELECT 1 AS a, 2 AS a")
    assert "several columns are called 'A'" in said(query='SELECT 1 AS "A", 2 AS a')
    assert "column 'source_row' has a name" in said(query="SELECT 1 AS source_row")
    assert "straddles" in said(query="SELECT repeat('x', 20000000) AS a")


def test_a_value_is_never_said(server, connection):
    query = "SELECT ('canary' || n)::int AS a FROM generate_series(1, 9) AS n"
    assert "invalid input syntax for type integer. Mend" in refused(
        connection, server.url(), query=query
    )


def test_a_limit_of_the_user_ends_the_reading(server, database, connection):
    slow = "SELECT pg_sleep(60) IS NULL AS a"
    limited = server.url() + "?options=-c%20statement_timeout%3D100"
    assert "due to statement timeout. Ask for less" in refused(connection, limited, query=slow)
    limit = "SELECT current_setting('statement_timeout') AS a, current_setting('lock_timeout') AS b"
    assert list(read(connection, server.url(), query=limit).iloc[0, :2]) == ["1h", "1min"]
    database.execute("CREATE TABLE held AS SELECT 1 AS a")
    impatient = server.url() + "?options=-c%20lock_timeout%3D100"
    with database.transaction():
        database.execute("LOCK TABLE held")
        assert "due to lock timeout. Try again later." in refused(
            connection, impatient, table="held"
        )


def test_servers_that_cannot_be_reached(server, connection):
    def said(url: str) -> str:
        return refused(connection, url, table="orders")

    advice = "Check data.transactions in regulars.toml; its password may also come from PGPASSWORD"
    wrong = [
        server.url("owner", "canary word"),
        server.url("nobody"),
        server.url().replace("/postgres", "/nowhere"),
        server.url().replace(f":{server.port}/", ":1/"),
        server.url() + "?connect_timeout=soon",
        server.url() + "?sslmode=require",
    ]
    for url in wrong:
        assert advice in said(url)
    assert 'password authentication failed for user "owner"' in said(wrong[0])
    assert 'database "nowhere" does not exist' in said(wrong[2])
    assert "Connection refused" in said(wrong[3])


def test_a_password_may_come_from_where_libpq_looks(server, connection, monkeypatch, tmp_path):
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    bare = server.url(password=None)
    assert "no password supplied" in refused(connection, bare, query="SELECT 1 AS a")
    escaped = PASSWORD.replace("\\", r"\\").replace(":", r"\:")
    (tmp_path / "pgpass").write_text(f"127.0.0.1:{server.port}:*:owner:{escaped}\n")
    (tmp_path / "pgpass").chmod(0o600)
    with monkeypatch.context() as context:
        context.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
        assert len(read(connection, bare, query="SELECT 1 AS a")) == 1
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert len(read(connection, bare, query="SELECT 1 AS a")) == 1
    by_socket = f"postgresql://owner@/postgres?host={server.folder}&port={server.port}"
    assert len(read(connection, by_socket, query="SELECT 1 AS a")) == 1


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:can@canary/ry@host/db",
        "postgresql://u:can/canary@host/db",
        "postgresql://u:canary%zz@host/db",
        "postgresql://u:canary/@host?x@h/db",
        "postgres://u:canary@host/db?canary=1",
    ],
)
def test_a_url_that_cannot_be_understood_is_not_repeated(connection, url):
    assert "no URL of a PostgreSQL database" in refused(connection, url, table="orders")


@pytest.mark.parametrize("url", ["mysql://u:canary@h/d", "postgresql+psycopg://u:canary@h/d"])
def test_other_places_are_refused_without_repeating_them(connection, url):
    scheme = url.partition("canary")[0].removesuffix("u:")
    assert f"data.transactions: {scheme} is no place that can be read" in refused(connection, url)
    with pytest.raises(DataError) as caught:
        propose(url, relative_to=Path())
    assert "canary" not in str(caught.value)


def test_init_looks_at_a_table_and_writes_what_check_reads(server, database, tmp_path):
    store(database, busy_orders())
    place = server.url()
    found = propose(place, relative_to=tmp_path, table="orders")
    assert quote(PASSWORD, safe="") not in str((found.shown, found.notes))
    assert any("keep it to yourself" in note for note in found.notes)
    (tmp_path / "regulars.toml").write_text(found.toml, encoding="utf-8")
    with check_orders(load_settings(tmp_path / "regulars.toml", Settings)) as report:
        assert report.rows_read == len(busy_orders())
        assert not report.refusals
    asked = propose(place, relative_to=tmp_path, query="SELECT * FROM orders")
    assert asked.settings["data"]["query"] == "SELECT * FROM orders"
    assert asked.settings["data"]["columns"] == found.settings["data"]["columns"]
    with pytest.raises(DataError, match=r'"nothing" does not exist\. Set --table; names') as caught:
        propose(place, relative_to=tmp_path, table="nothing")
    assert "canary" not in str(caught.value)


def test_without_the_driver_it_is_said_how_to_get_it(connection, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "features.sources.postgres", raising=False)
    said = refused(connection, "postgresql://u:canary@host/db", table="orders")
    assert said.endswith("needs its driver. Install it with: pip install 'psycopg[binary]'")


# Configuration


def problems(folder: Path, **data: object) -> str:
    with pytest.raises(ConfigError) as caught:
        shop_settings(folder, data=data)
    (problem,) = caught.value.problems
    assert "canary" not in problem
    return problem


def test_a_database_needs_a_table_or_a_query_and_files_need_none(tmp_path):
    url = "postgresql://u:canary@host/db"
    either = "regulars.toml: 'data': orders in PostgreSQL need either 'table' or 'query'."
    assert problems(tmp_path, transactions=url) == either
    assert problems(tmp_path, transactions=url, table="a", query="SELECT 1") == either
    for place in ({"table": "a"}, {"query": "SELECT 1"}):
        assert "are for orders in PostgreSQL, not in files" in problems(tmp_path, **place)
    assert "'data.table'" in problems(tmp_path, transactions=url, table=" ", query="SELECT 1")
    with pytest.raises(DataError, match=r"need either data\.table or data\.query"):
        open_source(url, tmp_path)


def test_settings_show_no_password(tmp_path):
    url = "postgresql://u:canary@host/db"
    assert "canary" not in repr(in_database(tmp_path, url, table="orders"))
    assert "'data.transactions': Input should be a valid string." in problems(
        tmp_path, transactions=[url]
    )
