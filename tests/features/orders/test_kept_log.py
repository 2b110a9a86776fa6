"""A log kept between runs says what the same files read in one go say, to the bit."""

import dataclasses
import os
import signal
import subprocess
import sys
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from features.errors import DataError
from features.orders.kept_log import KeptLog, open_kept_log, read_kept_orders
from features.orders.log import OrderLog, read_orders
from features.reading.sent_lines import SentOrderLine
from tests.features.orders.test_parted_log import assert_same, messy_orders, said
from tests.support.sent import typed_lines_of
from tests.support.shop import COLUMNS, busy_orders, shop_settings, write_config

pytestmark = pytest.mark.slow

CARDS = pd.DataFrame({"card": ["card-0", "card-7", "c003"], "owner": ["c001", "c048", "c004"]})


@pytest.fixture
def shop(tmp_path):
    CARDS.to_csv(tmp_path / "cards.csv", index=False)
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
        store={"log": "data/log.duckdb"},
    )


def add_file(shop, number: int, lines: pd.DataFrame) -> None:
    lines.to_parquet(shop.root / f"orders-{number:02d}.parquet")


def as_ever(shop, days=None) -> dict[str, object]:
    with read_orders(shop) as log:
        return said(log, shop.root, days or [log.end])


def as_kept(shop, days=None) -> tuple[dict[str, object], int]:
    with open_kept_log(shop) as log:
        assert isinstance(log, KeptLog)
        return said(log, shop.root, days or [log.end]), log.rows_judged


def later(lines: pd.DataFrame) -> pd.DataFrame:
    """What a shop's next file holds: late lines, new ones, old ones again, things taken back."""
    bought = lines[lines["customer"].notna() & (lines["amount"] > 0)]
    end = lines["time"].max()
    new = bought.head(8).assign(order="new", time=end + pd.Timedelta(days=1), product="p new")
    stranger = bought.tail(3).assign(customer="a stranger", order="first", time=end)
    late = bought.iloc[[40]].assign(order="late", product="p01", amount=3.0)
    again = lines.sample(15, random_state=9)
    taken = bought.iloc[[5, 60]]
    back = taken.assign(
        order="C" + taken["order"],
        quantity=-taken["quantity"],
        amount=-taken["amount"],
        time=taken["time"] + pd.Timedelta(minutes=1),
    )
    renamed = bought.iloc[[70]].assign(order="renamed", name="A new name", time=end)
    nobody = lines[lines["customer"].isna()].head(4)
    return pd.concat([new, stranger, late, again, back, renamed, nobody], ignore_index=True)


def test_files_that_come_one_after_the_other(shop):
    lines = messy_orders().sort_values("time", ignore_index=True)
    whole = len(lines)
    chunks = [lines[: whole // 2], lines[whole // 2 : whole // 2 + 60], later(lines)]
    for number, chunk in enumerate(chunks):
        add_file(shop, number, chunk)
        wanted = as_ever(shop)
        found, judged = as_kept(shop)
        assert_same(found, wanted)
        assert (judged < wanted["report"]["rows_read"]) == (number > 0)
    again, judged = as_kept(shop)
    assert judged == 0
    assert_same(again, wanted)


def test_a_day_of_orders_leaves_the_others_alone(shop):
    lines = busy_orders(customers=40).assign(card="")
    last = lines["time"].max().normalize()
    add_file(shop, 0, lines[lines["time"] < last])
    more = lines[lines["time"] >= last]
    add_file(shop, 1, more)
    as_kept(shop)
    late = more[more["customer"] == more["customer"].dropna().iloc[0]].assign(order="late")
    with open_kept_log(shop) as log:
        log.connection.execute("UPDATE feature_rows SET spend = -1")
    add_file(shop, 2, late)
    found, judged = as_kept(shop)
    touched = found["features"]["spend"] != -1
    assert list(found["features"]["customer_id"][touched]) == list(late["customer"].unique())
    assert judged == (lines["customer"] == late["customer"].iloc[0]).sum() + len(late)


def test_another_date_computes_everybody(shop):
    lines = busy_orders(customers=20).assign(card="")
    add_file(shop, 0, lines)
    as_kept(shop)
    with open_kept_log(shop) as log:
        days = [log.end - timedelta(days=30), log.end]
    assert_same(as_kept(shop, days)[0], as_ever(shop, days))


@pytest.mark.parametrize("change", ["rules", "file", "touched", "gone", "cards", "columns"])
def test_whatever_else_changes_everything_is_read_again(shop, change):
    lines = busy_orders(customers=20).assign(card="")
    for number in range(3):
        add_file(shop, number, lines[number::3])
    as_kept(shop)
    if change == "rules":
        rules = shop.data.rules.model_copy(update={"ignore_products": ("p03",)})
        shop = shop.model_copy(update={"data": shop.data.model_copy(update={"rules": rules})})
    elif change == "file":
        add_file(shop, 1, lines[1::3].assign(amount=1.0))
    elif change == "touched":
        (shop.root / "orders-01.parquet").touch()
    elif change == "gone":
        (shop.root / "orders-01.parquet").unlink()
    elif change == "cards":
        CARDS.assign(owner="c002").to_csv(shop.root / "cards.csv", index=False)
    else:
        add_file(shop, 3, lines[:5].assign(remark="new"))
    wanted = as_ever(shop)
    found, judged = as_kept(shop)
    assert judged == wanted["report"]["rows_read"]
    assert_same(found, wanted)


def test_a_file_of_the_same_size_and_time_is_told_by_what_it_holds(shop):
    text = busy_orders(customers=20).assign(card="").to_csv(index=False)
    data = shop.data.model_copy(update={"transactions": "orders.csv"})
    shop = shop.model_copy(update={"data": data})
    file = shop.root / "orders.csv"
    file.write_text(text)
    before = file.stat()
    as_kept(shop)
    file.write_text(text.replace("Product 3", "Product X"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    found, judged = as_kept(shop)
    assert judged > 0
    assert found["fingerprint"] == as_ever(shop)["fingerprint"]


def test_files_that_cannot_be_used_are_refused_as_ever(shop):
    lines = busy_orders(customers=20).assign(card="")
    add_file(shop, 0, lines)
    as_kept(shop)
    (shop.root / "orders-01.parquet").write_bytes(b"PAR1 half a file")
    with pytest.raises(DataError) as whole, read_orders(shop):
        pass
    with pytest.raises(DataError) as kept, open_kept_log(shop):
        pass
    assert kept.value.problems == whole.value.problems
    (shop.root / "orders-01.parquet").unlink()
    assert as_kept(shop)[1] == 0


def test_a_broken_kept_log_is_made_anew(shop):
    add_file(shop, 0, busy_orders(customers=20).assign(card=""))
    wanted = as_kept(shop)[0]
    (shop.root / "data" / "log.duckdb").write_bytes(b"no database" * 1000)
    found, judged = as_kept(shop)
    assert judged == wanted["report"]["rows_read"]
    assert found["fingerprint"] == wanted["fingerprint"]


@pytest.mark.parametrize(
    "statement", ["DELETE FROM days", "INSERT INTO marks", "DELETE FROM stale"]
)
def test_an_append_that_ends_halfway_leaves_the_old_state(shop, statement):
    """A process that dies without a word at the first such statement."""
    lines = busy_orders(customers=20).assign(card="")
    add_file(shop, 0, lines)
    config = str(write_config(shop))
    as_kept(shop)
    add_file(shop, 1, later(lines.assign(card="")))
    code = DIES_AT.format(statement=statement, config=config)
    done = subprocess.run([sys.executable, "-c", code], cwd=shop.root, check=False)
    assert done.returncode == -signal.SIGKILL
    assert_same(as_kept(shop)[0], as_ever(shop))


DIES_AT = """
import os, signal
import duckdb
from features import sql
from serving.commands.shop.orders import features

class Dying:
    def __init__(self, connection):
        self._connection = connection
    def __getattr__(self, name):
        return getattr(self._connection, name)
    def execute(self, query, *rest):
        if query.strip().startswith({statement!r}):
            self._connection.execute(query, *rest)
            os.kill(os.getpid(), signal.SIGKILL)
        return self._connection.execute(query, *rest)

connect = duckdb.connect
sql.duckdb.connect = lambda *given, **named: Dying(connect(*given, **named))
features(["--config", {config!r}, "--output", "features.parquet"])
"""


def test_two_at_a_time_is_one_too_many(shop):
    add_file(shop, 0, busy_orders(customers=20).assign(card=""))
    write_config(shop)
    as_kept(shop)
    command = [
        sys.executable,
        "-m",
        "serving.commands.main",
        "features",
        "--output",
        "features.parquet",
    ]
    with open_kept_log(shop):
        done = subprocess.run(command, cwd=shop.root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "another process works on the kept log" in line


def test_a_log_that_an_erasure_deleted_is_built_again(shop):
    add_file(shop, 0, busy_orders(customers=20).assign(card=""))
    wanted = as_kept(shop)[0]
    assert b"c003" in (shop.root / "data" / "log.duckdb").read_bytes()
    for file in (shop.root / "data").glob("log.duckdb*"):
        file.unlink()
    assert_same(as_kept(shop)[0], wanted)


def test_without_the_setting_nothing_is_kept(shop):
    add_file(shop, 0, busy_orders(customers=20).assign(card=""))
    store = shop.store.model_copy(update={"log": None})
    with open_kept_log(shop.model_copy(update={"store": store})) as log:
        assert not isinstance(log, KeptLog)
    assert not list((shop.root / "data").glob("log*"))


@pytest.mark.parametrize("seed", [1, 2])
def test_any_rows_in_any_order_of_files(shop, seed):
    """Rows of all days in every file: late lines, returns before their purchase, duplicates."""
    lines = messy_orders(seed)
    places = np.random.default_rng(seed).integers(0, 5, len(lines))
    for number in range(5):
        add_file(shop, number, lines[places == number])
        found, judged = as_kept(shop)
        assert judged > 0
        assert_same(found, as_ever(shop))


ENGINE_TABLES = (
    *("customers", "products", "categories", "order_keys"),
    *("lines", "voided_lines", "orders", "days"),
)


def tables_of(log, histories) -> dict[str, object]:
    """All that a training or a score run reads of a log, keys included."""
    rows = {name: log.frame(f"SELECT * FROM {name} ORDER BY ALL") for name in ENGINE_TABLES}
    files = {path.name: path.read_bytes() for path in sorted(histories.iterdir())}
    return rows | {
        "report": dataclasses.asdict(log.report),
        "days covered": (log.first_day, log.last_day),
        "fingerprint": log.fingerprint,
        "quarantine": pd.read_parquet(log.settings.path(log.settings.store.quarantine)),
        "histories": files,
    }


def test_models_and_scores_get_the_same_tables_as_from_the_files(shop, tmp_path):
    lines = messy_orders().sort_values("time", ignore_index=True)
    half = len(lines) // 2
    for number, chunk in enumerate([lines[:half], lines[half:], later(lines)]):
        add_file(shop, number, chunk)
        folders = [tmp_path / f"{kind}-{number}" for kind in ("files", "kept")]
        for folder in folders:
            folder.mkdir()
        with read_orders(shop, histories=folders[0]) as log:
            from_files = tables_of(log, folders[0])
        with read_kept_orders(shop, histories=folders[1]) as log:
            assert isinstance(log, OrderLog)
            from_kept = tables_of(log, folders[1])
        assert (shop.root / "data" / "log.duckdb").exists()
        assert from_files["voided_lines"].size
        assert from_files["histories"]
        assert_same(from_kept, from_files)


def test_orders_sent_to_a_server_are_judged_with_those_of_the_files(shop):
    lines = busy_orders(customers=20).assign(card="")
    add_file(shop, 0, lines)
    typed = typed_lines_of(lines[lines["customer"].notna()].tail(1).assign(order="sent"), shop.data)
    sent = [SentOrderLine(customer, line) for customer, (line,) in typed.items()]
    with read_kept_orders(shop, sent=sent) as log:
        orders = log.frame("SELECT order_name FROM order_keys")["order_name"]
    assert "sent" in set(orders)
