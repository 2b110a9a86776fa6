"""What a warehouse gets: clean lines with the shop's ids, features of several dates."""

from datetime import date, timedelta

import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner

from features.engines.build import build_features
from features.engines.exports import LINE_COLUMNS, write_features, write_lines
from features.errors import ConfigError
from features.orders.log import day_number, read_orders
from features.sources import FrameSource
from serving.commands.shop.orders import features
from tests.support.shop import COLUMNS, FIRST_DAY, busy_orders, shop_settings, write_config

ORDERS = busy_orders(customers=30)
DATES = [(FIRST_DAY + timedelta(days=days)).date() for days in (90, 30)]


@pytest.fixture
def log(tmp_path):
    with read_orders(shop_settings(tmp_path), FrameSource(ORDERS)) as log:
        yield log


def test_every_line_is_written_once_with_its_ids(log, tmp_path):
    assert write_lines(log, tmp_path / "lines.parquet") == len(ORDERS)
    lines = pd.read_parquet(tmp_path / "lines.parquet")
    assert list(lines.columns) == list(LINE_COLUMNS)
    wanted = ORDERS.assign(
        day=(ORDERS["time"].dt.normalize() - pd.Timestamp("1970-01-01")).dt.days,
        amount=ORDERS["amount"].mul(100).round().astype("int64"),
    )
    key = ["customer_id", "order_id", "day", "product_id", "category", "amount"]
    columns = [COLUMNS.get(name, name) for name in key]
    given = lines[key].set_axis(columns, axis=1)
    for table in (given, wanted):
        table["day"] = table["day"].astype("int64")
    pd.testing.assert_frame_equal(
        given.sort_values(columns, ignore_index=True).astype("object"),
        wanted[columns].sort_values(columns, ignore_index=True).astype("object"),
        check_dtype=False,
    )


def test_lines_have_the_types_they_say(log, tmp_path):
    write_lines(log, tmp_path / "lines.parquet")
    found = duckdb.sql(f"DESCRIBE FROM '{tmp_path}/lines.parquet'").fetchall()
    assert {name: kind for name, kind, *_ in found} == LINE_COLUMNS


def test_without_order_ids_the_day_names_the_order(tmp_path):
    columns = {field: name for field, name in COLUMNS.items() if field != "order_id"}
    settings = shop_settings(tmp_path, data={"columns": columns})
    with read_orders(settings, FrameSource(ORDERS)) as log:
        write_lines(log, tmp_path / "lines.parquet")
    lines = pd.read_parquet(tmp_path / "lines.parquet")
    names = lines["order_id"].map(lambda name: day_number(date.fromisoformat(name)))
    assert (names == lines["day"]).all()


def test_features_of_several_dates_are_those_of_each(log, tmp_path):
    rows = write_features(log, [*DATES, DATES[0]], tmp_path / "features.parquet")
    table = pd.read_parquet(tmp_path / "features.parquet")
    assert len(table) == rows
    assert list(table["as_of"].unique()) == sorted(DATES)
    for day in DATES:
        chosen = table[table["as_of"] == day].drop(columns="as_of").set_index("customer_id")
        pd.testing.assert_frame_equal(chosen, build_features(log, day), check_index_type=False)


def test_a_place_that_cannot_be_written_leaves_nothing_behind(log, tmp_path):
    (tmp_path / "taken").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    for write in (write_lines, lambda log, path: write_features(log, DATES, path)):
        with pytest.raises(ConfigError, match="cannot be written"):
            write(log, tmp_path / "taken" / "table.parquet")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_date_outside_the_log_leaves_the_old_file(log, tmp_path):
    path = tmp_path / "features.parquet"
    write_features(log, DATES, path)
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="lies outside the orders"):
        write_features(log, [*DATES, log.end + timedelta(days=1)], path)
    assert path.read_bytes() == before


@pytest.fixture
def shop(tmp_path, monkeypatch):
    ORDERS.to_parquet(tmp_path / "orders.parquet")
    write_config(shop_settings(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("shop")
def test_the_command_writes_features_and_lines():
    days = [argument for day in DATES for argument in ("--as-of", str(day))]
    paths = ["--output", "out/features.parquet", "--lines", "out/lines.parquet"]
    result = CliRunner().invoke(features, [*days, *paths])
    assert result.exit_code == 0, result.output
    assert f"Wrote {len(ORDERS):,} clean lines to out/lines.parquet." in result.stdout
    assert f"rows as of {DATES[1]}, {DATES[0]} to out/features.parquet." in result.stdout
    assert len(pd.read_parquet("out/lines.parquet")) == len(ORDERS)


@pytest.mark.usefixtures("shop")
def test_the_command_takes_the_end_of_the_orders_by_default():
    result = CliRunner().invoke(features, ["--output", "features.parquet", "--json"])
    assert result.exit_code == 0, result.output
    (day,) = pd.read_parquet("features.parquet")["as_of"].unique()
    assert day == ORDERS["time"].max().date() + timedelta(days=1)


def test_the_command_says_which_dates_there_are(shop):
    result = CliRunner().invoke(features, ["--as-of", "1999-01-01", "--output", "f.parquet"])
    assert result.exit_code == 2
    assert "as-of date 1999-01-01 lies outside the orders" in result.stderr
    assert not (shop / "f.parquet").exists()
