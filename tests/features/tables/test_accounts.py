"""Who belongs to whom: cards, persons, households and companies, and who pays."""

import pandas as pd
import pytest

from features.errors import DataError
from features.orders.log import read_orders
from features.sources import FrameSource
from features.tables.accounts import read_accounts
from tests.support.shop import order_lines, shop_settings

IDENTITIES = {
    "path": "ids.csv",
    "card_id": "id",
    "customer_id": "of",
    "level": "what",
    "payer": "pays",
    "levels": {"Haushalt": "household"},
}


def settings_of(root, rows, **more):
    pd.DataFrame(rows, columns=["id", "of", "what", "pays"]).to_csv(root / "ids.csv", index=False)
    return shop_settings(root, data={"identities": {**IDENTITIES, **more}})


FAMILY = [
    ("card 1", "ann", None, None),
    ("ann", "smith", "Haushalt", None),
    ("card 2", "smith", "household", "card 1"),
    ("smith", "acme", "company", None),
    ("bob", "acme", "company", "ann"),
]


def test_each_id_has_one_level_and_one_place(tmp_path):
    members = read_accounts(settings_of(tmp_path, FAMILY)).members.set_index("customer_id")
    assert members["level"].to_dict() == {
        "ann": "person",
        "bob": "person",
        "card 1": "card",
        "card 2": "person",
        "smith": "household",
    }
    assert members["account_id"].to_dict() == {
        "ann": "smith",
        "bob": "acme",
        "card 1": "ann",
        "card 2": "smith",
        "smith": "acme",
    }
    # who pays by a card is the person behind it
    assert members["payer_id"].dropna().to_dict() == {"bob": "ann", "card 2": "ann"}
    assert members.loc["smith", "account_level"] == "company"


def test_a_household_is_not_one_customer(tmp_path):
    orders = order_lines([("card 1", 0, 10.0), ("ann", 5, 20.0), ("bob", 7, 5.0)])
    with read_orders(settings_of(tmp_path, FAMILY), FrameSource(orders)) as log:
        customers = log.frame("SELECT customer_id FROM customers ORDER BY 1")["customer_id"]
    assert customers.to_list() == ["ann", "bob"]


def test_what_cannot_be_is_refused_in_a_sentence(tmp_path):
    for rows, words in (
        ([("a", "x", "household", None), ("a", "y", "household", None)], "'a' to 'x' and 'y'"),
        ([("x", "y", "company", None), ("y", "x", "company", None)], "belongs to itself"),
        ([("a", "x", "tribe", None)], "'tribe': no level of ours"),
    ):
        with pytest.raises(DataError, match=words):
            read_accounts(settings_of(tmp_path, rows))


def test_who_was_erased_is_in_no_account(tmp_path):
    accounts = read_accounts(settings_of(tmp_path, FAMILY)).without({"ann"})
    assert set(accounts.members["customer_id"]) == {"bob", "card 2", "smith"}
    assert accounts.members["payer_id"].isna().all()


def test_without_a_table_there_are_no_accounts(tmp_path):
    assert read_accounts(shop_settings(tmp_path)) is None
