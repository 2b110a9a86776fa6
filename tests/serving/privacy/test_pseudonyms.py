"""Exports for data scientists: what somebody did goes along, who it was does not."""

import json

import pandas as pd
import pytest

from features.errors import ConfigError
from features.orders.log import read_orders
from features.sources import FrameSource
from serving.privacy.export_files import clean_exports
from serving.privacy.hash_keys import PseudonymKey
from serving.privacy.pseudonyms import FEWEST, TREATMENT, write_pseudonymous
from tests.serving.conftest import NOW
from tests.support.shop import busy_orders, shop_settings

KEY = PseudonymKey(b"k" * 32)


@pytest.fixture(scope="module")
def orders():
    lines = busy_orders(customers=12, days=90)
    # a product that two people bought names them
    lines.loc[lines["customer"] == "c001", "product"] = "rare"
    return lines


@pytest.fixture(scope="module")
def exported(orders, tmp_path_factory):
    root = tmp_path_factory.mktemp("export")
    with read_orders(shop_settings(root), FrameSource(orders)) as log:
        written = write_pseudonymous(
            log,
            root / "out",
            as_of=log.end,
            made_at=NOW,
            key=KEY,
            erased={"c002"},
            scores=None,
        )
    return root / "out", written


def test_no_id_is_in_any_file(exported, orders):
    folder, _ = exported
    customers = pd.read_parquet(folder / "customers.parquet")
    lines = pd.read_parquet(folder / "lines.parquet")
    ids = set(orders["customer"].dropna()) | set(orders["order"])
    for table in (customers, lines):
        texts = table.select_dtypes(["object", "string"])
        assert not {value for column in texts for value in texts[column].dropna()} & ids
    assert set(lines["customer_id"]) == set(customers["customer_id"])
    assert customers["customer_id"].is_monotonic_increasing
    assert KEY.pseudonym("c002") not in set(customers["customer_id"])


def test_what_somebody_did_goes_along(exported, orders):
    folder, written = exported
    lines = pd.read_parquet(folder / "lines.parquet")
    assert written.rows["lines.parquet"] == len(lines)
    of_one = lines[lines["customer_id"] == KEY.pseudonym("c003")]
    known = orders[orders["customer"] == "c003"]
    assert of_one["amount"].sum() == pytest.approx(known["amount"].sum())
    assert of_one["order_number"].nunique() == known["order"].nunique()
    assert of_one["order_number"].min() == 1
    assert set(of_one["ordered_on"].astype(str)) == set(known["time"].dt.date.astype(str))
    assert "minute" not in lines.columns


def test_what_few_have_is_left_out(exported, orders):
    lines = pd.read_parquet(exported[0] / "lines.parquet")
    assert "rare" not in set(lines["product_id"].dropna())
    left = orders[orders["customer"].notna() & (orders["customer"] != "c002")]
    buyers = left.groupby("product")["customer"].nunique()
    assert set(lines["product_id"].dropna()) == set(buyers[buyers >= FEWEST].index)


def test_the_export_says_what_was_done_to_it(exported):
    said = json.loads((exported[0] / "export.json").read_text(encoding="utf-8"))
    assert said["treatment"] == dict(TREATMENT)
    assert "key" not in said


def test_a_pseudonym_is_of_one_key(tmp_path):
    key = PseudonymKey.at(tmp_path / "pseudonym.key")
    assert key == PseudonymKey.at(tmp_path / "pseudonym.key")
    assert key.pseudonym("ann") != KEY.pseudonym("ann")
    assert (tmp_path / "pseudonym.key").stat().st_mode & 0o077 == 0


def test_erasing_finds_pseudonyms(exported, tmp_path):
    table = pd.read_parquet(exported[0] / "lines.parquet")
    table.to_parquet(tmp_path / "lines.parquet")
    name = KEY.pseudonym("c003")
    cleaned = clean_exports([tmp_path], {name})
    assert list(cleaned.rewritten.values()) == [int((table["customer_id"] == name).sum())]


def test_a_folder_that_holds_something_is_left_alone(orders, tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    with (
        read_orders(shop_settings(tmp_path), FrameSource(orders)) as log,
        pytest.raises(ConfigError, match="holds something already"),
    ):
        write_pseudonymous(
            log, tmp_path, as_of=log.end, made_at=NOW, key=KEY, erased=set(), scores=None
        )
