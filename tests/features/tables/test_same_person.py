"""Proposals of the same person: obvious pairs, and nothing merged."""

import pandas as pd
import pytest

from features.errors import ConfigError
from features.orders.log import read_orders
from features.sources import FrameSource
from features.tables.same_person import same_person_candidates
from tests.support.shop import order_lines, shop_settings

PEOPLE = [
    ("ann", "Ann Smith", "ann@example.org", "+44 20 7946 0001", "AB1 2CD"),
    # one mail address, written otherwise
    ("ann2", "ann  smith", " ANN@example.org ", None, "ab12cd"),
    ("bob", "Bob Brown", "bob@example.org", "(020) 7946 0002", "ZZ9"),
    # a phone and a place, and a name that was misspelt
    ("bob2", "Bob Browne", None, "020 7946 0002", "ZZ9"),
    # two people of one name far apart
    ("eve", "Eve Jones", "eve@example.org", None, "QQ1"),
    ("eve2", "Eve Jones", "other@example.org", None, "RR2"),
]
CUSTOMERS = {
    "path": "people.csv",
    "customer_id": "id",
    "name": "called",
    **{name: name for name in ("email", "phone", "postcode")},
}


def settings_of(root, **more):
    columns = ["id", "called", "email", "phone", "postcode"]
    pd.DataFrame(PEOPLE, columns=columns).to_csv(root / "people.csv", index=False)
    return shop_settings(root, data={"customers": CUSTOMERS, **more})


def test_obvious_pairs_are_proposed_and_others_not(tmp_path):
    found = same_person_candidates(settings_of(tmp_path))
    pairs = found.set_index(["card_id", "customer_id"])
    assert list(pairs.index) == [("ann2", "ann"), ("bob2", "bob")]
    assert pairs["probability"].min() > 0.9
    assert pairs.loc[("ann2", "ann"), ["same_email", "name"]].to_list() == [True, "same"]
    assert pairs.loc[("bob2", "bob"), ["same_phone", "name"]].to_list() == [True, "alike"]


def test_nothing_is_merged_until_somebody_decides(tmp_path):
    settings = settings_of(tmp_path)
    orders = FrameSource(order_lines([("ann", 0, 1.0), ("ann2", 9, 1.0)]))
    same_person_candidates(settings)
    with read_orders(settings, orders) as log:
        assert len(log.frame("SELECT * FROM customers")) == 2


def test_what_the_table_of_identities_joins_is_not_proposed_again(tmp_path):
    (tmp_path / "ids.csv").write_text("card_id,customer_id\nann2,ann\n")
    identities = {"path": "ids.csv", "card_id": "card_id", "customer_id": "customer_id"}
    found = same_person_candidates(settings_of(tmp_path, identities=identities))
    assert found["card_id"].to_list() == ["bob2"]


def test_without_columns_to_compare_it_says_which(tmp_path):
    with pytest.raises(ConfigError, match=r"data\.customers with email"):
        same_person_candidates(shop_settings(tmp_path))
