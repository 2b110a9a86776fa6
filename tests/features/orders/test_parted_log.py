"""A log read in parts says what the log read in one go says, to the bit."""

import dataclasses
import subprocess
import sys
from datetime import timedelta

import duckdb
import numpy as np
import pandas as pd
import pytest

from features.engines.exports import write_features, write_lines
from features.errors import DataError, MisreadOrders, NotEnoughData
from features.orders.log import read_orders
from features.orders.parted_log import PartedLog, open_log, read_parted_orders
from features.orders.partitions import PartSource
from features.sources import FrameSource, open_source
from tests.support.shop import (
    COLUMNS,
    busy_orders,
    shop_settings,
    simulate_orders,
    write_config,
)


def messy_orders(seed: int = 3) -> pd.DataFrame:
    """Orders with everything that rules look for: every reason to put a row aside, cards, tills."""
    rng = np.random.default_rng(seed)
    lines = busy_orders(customers=50, days=150, seed=seed)
    lines["card"] = [f"card-{number}" if number % 7 == 0 else None for number in range(len(lines))]
    carded = lines["card"].notna() & (rng.random(len(lines)) < 0.7)
    lines.loc[carded, "customer"] = None
    lines.loc[rng.random(len(lines)) < 0.02, "customer"] = "till"
    lines.loc[rng.random(len(lines)) < 0.01, "amount"] = np.nan
    lines.loc[rng.random(len(lines)) < 0.01, "time"] = pd.NaT
    taken_back = lines[lines["customer"].notna()].sample(60, random_state=seed)
    back = taken_back.assign(
        order="C" + taken_back["order"],
        quantity=-taken_back["quantity"],
        amount=-taken_back["amount"],
        time=taken_back["time"] + pd.to_timedelta(rng.choice([9, 25, 3000], 60), unit="m"),
    )
    unknown = lines.head(10).assign(product="never bought", quantity=-1, amount=-5.0)
    again = lines.sample(50, random_state=seed)
    return pd.concat([lines, back, unknown, again], ignore_index=True)


def write_files(folder, lines: pd.DataFrame) -> None:
    """The orders in three files that overlap, and whose card is whose."""
    half = len(lines) // 2
    for number, part in enumerate((lines[:half], lines[half - 40 :], lines[10:90])):
        part.to_parquet(folder / f"orders-{number}.parquet")
    cards = lines["card"].dropna().unique()
    owners = [f"c{number % 45:03d}" for number in range(len(cards) // 2)]
    chained = [f"c{number:03d}" for number in (3, 4, 5)]
    pd.DataFrame(
        {
            "card": [*cards[: len(owners)], *chained],
            "owner": [*owners, "c048", "c003", "zz top"],
        }
    ).to_csv(folder / "cards.csv", index=False)


@pytest.fixture
def shop(tmp_path):
    write_files(tmp_path, messy_orders())
    return shop_settings(
        tmp_path,
        data={
            "transactions": "orders-*.parquet",
            "columns": {**COLUMNS, "card_id": "card"},
            "rules": {
                "cancelled_order_prefix": "C",
                "anonymous_customers": ["till"],
                "ignore_products": ["p07"],
            },
            "identities": {"path": "cards.csv", "card_id": "card", "customer_id": "owner"},
        },
    )


def said(log, folder, days) -> dict[str, object]:
    """Everything that a log says, as bytes and values that can be compared."""
    write_features(log, days, folder / "features.parquet")
    write_lines(log, folder / "lines.parquet")
    quarantine = log.settings.path(log.settings.store.quarantine)
    lines = duckdb.sql(f"SELECT * FROM '{folder}/lines.parquet' ORDER BY ALL").fetchall()
    return {
        "report": dataclasses.asdict(log.report),
        "days": (log.first_day, log.last_day, log.end),
        "fingerprint": log.fingerprint,
        "features": pd.read_parquet(folder / "features.parquet"),
        "lines": lines,
        "quarantine": pd.read_parquet(quarantine),
    }


def assert_same(found: dict[str, object], wanted: dict[str, object]) -> None:
    for name, value in wanted.items():
        if isinstance(value, pd.DataFrame):
            pd.testing.assert_frame_equal(found[name], value, check_exact=True)
        else:
            assert found[name] == value, name


@pytest.mark.parametrize("parts", [1, 3])
def test_in_parts_or_in_one_go(shop, tmp_path, parts):
    source = open_source(shop.data.transactions, tmp_path)
    with read_orders(shop) as log:
        days = [log.end, log.first_day + timedelta(days=50)]
        wanted = said(log, tmp_path, days)
    rows = -(-log.report.rows_read // parts)
    engine = shop.engine.model_copy(update={"partition_rows": rows})
    with read_parted_orders(shop.model_copy(update={"engine": engine}), source) as log:
        assert len(log.parts) == parts
        assert_same(said(log, tmp_path, days), wanted)
    assert len(wanted["report"]["quarantined"]) >= 8
    assert all(len(wanted[name]) > 10 for name in ("features", "lines", "quarantine"))


def parted(settings, source, rows=400):
    engine = settings.engine.model_copy(update={"partition_rows": rows})
    return read_parted_orders(settings.model_copy(update={"engine": engine}), source)


def test_ids_that_passed_through_a_float_column_are_judged_by_the_whole_file(tmp_path):
    """One file lost nothing by its '.0', the other holds ids that end so by themselves."""
    orders = busy_orders(customers=40).fillna({"customer": "c000"})
    orders["customer"] = orders["customer"].str.removeprefix("c").astype(int).astype(str)
    floats = orders.assign(customer=orders["customer"] + ".0")
    floats.to_csv(tmp_path / "orders-1.csv", index=False)
    mixed = floats.assign(order="x" + floats["order"])
    mixed.loc[mixed["customer"] == "7.0", "customer"] = "seven"
    mixed.to_csv(tmp_path / "orders-2.csv", index=False)
    settings = shop_settings(tmp_path, data={"transactions": "orders-*.csv"})
    with read_orders(settings) as log:
        wanted = said(log, tmp_path, [log.end])
    with parted(settings, open_source("orders-*.csv", tmp_path), rows=800) as log:
        assert len(log.parts) > 2
        found = said(log, tmp_path, [log.end])
    assert_same(found, wanted)


def test_refusals_look_at_the_whole_log(tmp_path):
    orders = busy_orders(customers=40).assign(currency="EUR")
    orders.loc[orders["customer"] == "c007", "currency"] = "USD"
    orders.loc[orders["customer"] == "c033", "currency"] = "CHF"
    columns = {**COLUMNS, "currency": "currency"}
    settings = shop_settings(tmp_path, data={"columns": columns})
    with pytest.raises(DataError) as whole, read_orders(settings, FrameSource(orders)):
        pass
    with pytest.raises(DataError) as parts, parted(settings, FrameSource(orders)):
        pass
    assert parts.value.problems == whole.value.problems
    assert "data.rates" in str(whole.value)


def test_a_log_of_one_day_is_refused_and_a_part_of_one_day_is_not(tmp_path):
    orders = busy_orders(customers=40)
    monday = orders.assign(time=orders["time"].min())
    with pytest.raises(NotEnoughData), parted(shop_settings(tmp_path), FrameSource(monday)):
        pass
    orders.loc[orders["customer"] > "c002", "time"] = orders["time"].min()
    with parted(shop_settings(tmp_path), FrameSource(orders)) as log:
        assert len(log.parts) > 2


def test_what_is_missing_is_said_before_the_work_begins(shop, tmp_path):
    (tmp_path / "cards.csv").unlink()
    columns = shop.data.columns.model_copy(update={"amount": "nowhere"})
    settings = shop.model_copy(update={"data": shop.data.model_copy(update={"columns": columns})})
    with (
        pytest.raises(DataError) as error,
        parted(settings, open_source(shop.data.transactions, tmp_path)),
    ):
        pass
    assert len(error.value.problems) == 2


@pytest.mark.parametrize("rows", [500, 10_000])
def test_long_logs_are_read_in_parts_of_themselves(shop, tmp_path, rows):
    engine = shop.engine.model_copy(update={"partition_rows": rows, "folder": tmp_path / "work"})
    with open_log(shop.model_copy(update={"engine": engine})) as log:
        assert isinstance(log, PartedLog) == (rows == 500)
        assert list((tmp_path / "work").iterdir())
    assert not list((tmp_path / "work").iterdir())


def test_digits_of_a_database_are_numbers_however_the_rows_arrive(tmp_path):
    """A database hands numbers of any length on as text; `1.200` beside `950` is no thousand then."""
    orders = simulate_orders().assign(
        amount=lambda lines: [["950", "1.200"][n % 2] for n in range(len(lines))]
    )
    orders["source_file"], orders["source_row"] = "orders", range(1, len(orders) + 1)
    orders.to_parquet(tmp_path / "orders.parquet")
    types = dict.fromkeys(orders.columns.drop(["source_file", "source_row"]), "VARCHAR")
    types |= {"time": "TIMESTAMP", "quantity": "BIGINT", "discount": "DOUBLE"}
    settings = shop_settings(tmp_path)
    files = [tmp_path / "orders.parquet"]
    with pytest.raises(MisreadOrders, match="thousand"):
        read_orders(settings, PartSource("table", files, types)).__enter__()
    with read_orders(settings, PartSource("table", files, types | {"amount": "DECIMAL"})) as log:
        assert not log.report.refusals


def test_optional_tables_keep_the_log_in_one_piece(tmp_path):
    busy_orders().to_parquet(tmp_path / "orders.parquet")
    (tmp_path / "people.csv").write_text("id\nc001\nc002\n")
    people = {"path": "people.csv", "customer_id": "id"}
    settings = shop_settings(
        tmp_path, data={"customers": people}, engine={"partition_rows": 10, "folder": "work"}
    )
    with open_log(settings) as log:
        assert not isinstance(log, PartedLog)


def test_a_broken_quote_is_found_in_parts_too(tmp_path):
    text = busy_orders().to_csv(index=False).splitlines()
    text[5] = text[5].replace(",o", ',"o', 1)
    text[9] = text[9].replace(",p", '",p', 1)
    (tmp_path / "orders.csv").write_text("\n".join(text))
    settings = shop_settings(tmp_path, data={"transactions": "orders.csv"})
    with pytest.raises(DataError) as whole, read_orders(settings):
        pass
    with pytest.raises(DataError) as parts, parted(settings, open_source("orders.csv", tmp_path)):
        pass
    assert parts.value.problems == whole.value.problems


FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
from serving.commands.main import main
main(["features", "--output", "features.parquet"])
"""


def test_a_full_disk_is_one_sentence_and_leaves_nothing_behind(tmp_path):
    simulate_orders(customers=400).to_parquet(tmp_path / "orders.parquet")
    write_config(shop_settings(tmp_path, engine={"partition_rows": 500, "folder": "work"}))
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "no room to work in" in line
    assert "engine.folder" in line
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "orders.parquet",
        "regulars.toml",
        "work",
    ]
    assert not list((tmp_path / "work").iterdir())
