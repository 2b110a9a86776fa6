"""Erased customers are gone to the last byte, and stay away."""

import json
from datetime import UTC, datetime

import pytest

from features.errors import ConfigError
from serving.errors import UnknownCustomer
from serving.privacy.erasure import CustomerFiles, Erased, erase
from serving.store.protocol import ChurnFilter
from tests.support.scores import run_info, score_tables

AT = datetime(2026, 3, 4, tzinfo=UTC)
GONE = [f"kanarienvogel-{number}" for number in range(100)]
STAY = [f"stays-{number}" for number in range(50)]


@pytest.fixture
def files(tmp_path):
    return CustomerFiles(key=tmp_path / "keys" / "erasure.key", derived=())


@pytest.fixture
def shop(stores):
    for number in (1, 2, 3):
        tables = score_tables(ids=[*GONE, *STAY], seed=number)
        stores.scores.publish(run_info(f"run-{number}"), *tables)
    return stores


def test_nothing_is_left_of_who_is_erased(shop, files):
    page = shop.scores.churn_list(ChurnFilter(), sort="clv", limit=1)
    assert page.totals.customers == 150
    since = shop.feed.end()
    proof = erase(GONE, shop.erasures, files, AT)
    assert proof.rows["scores"] == proof.rows["recommendations"] == 300
    assert proof.rows["announced"] == 100
    assert proof.rows["changes"] >= 100
    for customer_id in GONE[:3]:
        for read in (shop.scores.customer, shop.scores.recommendations, shop.scores.history):
            with pytest.raises(UnknownCustomer):
                read(customer_id)
    page = shop.scores.churn_list(ChurnFilter(), sort="clv", limit=1_000)
    assert page.totals.customers == len(page.documents) == 50
    told = shop.feed.changes(since, 1_000).changes
    assert {(one.kind, one.customer_id, one.after) for one in told} == {("erased", None, None)}
    assert len(told) == 100
    everything = [one.customer_id for one in shop.feed.changes(None, 10_000).changes]
    assert not set(everything) & set(GONE)
    assert "kanarienvogel" not in json.dumps(proof.to_dict())


def test_the_others_are_as_they_were(shop, files):
    before = [shop.scores.customer(customer_id) for customer_id in STAY]
    erase(GONE, shop.erasures, files, AT)
    assert [shop.scores.customer(customer_id) for customer_id in STAY] == before


def test_who_was_erased_is_known_by_the_key_alone(shop, files):
    assert Erased(shop.erasures, files).among(GONE) == set()
    assert not files.key.exists()
    proof = erase(GONE[:2], shop.erasures, files, AT)
    assert files.key.stat().st_mode & 0o777 == 0o600
    assert Erased(shop.erasures, files).among([*GONE, *STAY]) == set(GONE[:2])
    assert Erased(shop.erasures, files).among([*GONE, *map(str, range(1000))]) == set(GONE[:2])
    kept = shop.erasures.tombstones(proof.erasure_ids)
    assert len(kept) == 2
    assert {one.erased_at for one in kept} == {AT}
    assert "kanarienvogel" not in repr(kept)


def test_erasing_again_proves_the_same(shop, files):
    first = erase(GONE[:1], shop.erasures, files, AT)
    again = erase(GONE[:1], shop.erasures, files, AT)
    assert again.erasure_ids == first.erasure_ids
    assert again.rows["scores"] == 0
    assert len(shop.erasures.tombstones(first.erasure_ids)) == 1


def test_a_lost_key_is_told_before_anybody_comes_back(shop, files):
    erase(GONE[:1], shop.erasures, files, AT)
    files.key.unlink()
    for asked in (
        lambda: Erased(shop.erasures, files),
        lambda: erase(GONE[1:2], shop.erasures, files, AT),
    ):
        with pytest.raises(ConfigError, match="erasure_key"):
            asked()
    files.key.write_text("ab" * 32)
    with pytest.raises(ConfigError, match="not the key"):
        Erased(shop.erasures, files)


def test_before_the_first_run_an_erasure_is_kept(stores, files):
    proof = erase(["a"], stores.erasures, files, AT)
    assert sum(proof.rows.values()) == 0
    assert Erased(stores.erasures, files).among(["a", "b"]) == {"a"}
