"""What cards have brought adds up to what their persons have."""

import numpy as np
import pandas as pd
import pytest

from features.engines.build import build_features
from features.orders.card_figures import card_figures
from features.orders.log import read_orders
from features.sources import FrameSource
from serving.runs.members import with_card_figures
from serving.store.account_members import AccountMember
from tests.support.shop import FIRST_DAY, busy_orders, order_lines, shop_settings

IDENTITIES = {"path": "cards.csv", "card_id": "card", "customer_id": "owner"}


@pytest.fixture
def log_of(tmp_path):
    def read(orders, cards):
        pd.DataFrame(cards, columns=["card", "owner"]).to_csv(tmp_path / "cards.csv", index=False)
        return read_orders(
            shop_settings(tmp_path, data={"identities": IDENTITIES}), FrameSource(orders)
        )

    return read


def test_a_card_brings_what_was_bought_with_it(log_of):
    orders = order_lines(
        [
            ("card 1", 3, 30.0),
            ("card 1", 9, 30.0),
            ("card 2", 5, 20.0),
            ("ann", 7, 20.0),
            ("bob", 8, 5.0),
        ]
    )
    cards = [("card 1", "ann"), ("card 2", "ann"), ("card 3", "ann")]
    with log_of(orders, cards) as log:
        figures = card_figures(log, log.end)
        early = card_figures(log, (FIRST_DAY + pd.Timedelta(days=6)).date())
    assert figures["customer_id"].to_dict() == {
        "ann": "ann",
        "bob": "bob",
        "card 1": "ann",
        "card 2": "ann",
    }
    assert figures.loc["card 1", ["orders", "revenue", "share"]].tolist() == [2, 60.0, 60 / 100]
    assert figures.loc["ann", ["orders", "revenue", "share"]].tolist() == [1, 20.0, 20 / 100]
    assert figures.loc["bob", "share"] == 1.0
    days = figures["last_order_on"] - (FIRST_DAY - pd.Timestamp("1970-01-01")).days
    assert days.to_dict() == {"ann": 7, "bob": 8, "card 1": 9, "card 2": 5}
    # nothing is known of what came later
    assert early.loc["card 1", ["orders", "revenue", "share"]].tolist() == [1, 30.0, 30 / 50]
    assert "ann" not in early.index
    members = [
        AccountMember("card 1", "card", "ann", "person", None),
        AccountMember("card 3", "card", "ann", "person", None),
        AccountMember("ann", "person", "smith", "household", None),
    ]
    first, unused, person = with_card_figures(members, figures)
    assert (first.orders, first.revenue, first.last_order_on) == (2, 60.0, "2024-01-10")
    assert (unused.orders, unused.revenue, unused.last_order_on, unused.share) == (0, 0, None, None)
    assert person.orders is None
    assert with_card_figures(members, None) == members


@pytest.mark.parametrize("days", [60, 200])
def test_over_the_cards_of_a_person_figures_are_those_of_the_person(log_of, days):
    orders = busy_orders(customers=30)
    ids = sorted(orders["customer"].dropna().unique())
    cards = [(card, f"person {number % 9}") for number, card in enumerate(ids[:20])]
    day = (FIRST_DAY + pd.Timedelta(days=days)).date()
    with log_of(orders, cards) as log:
        figures = card_figures(log, day)
        features = build_features(log, day)
    sums = figures.groupby("customer_id")[["orders", "revenue"]].sum().loc[features.index]
    np.testing.assert_array_equal(sums["orders"], features["orders"])
    np.testing.assert_allclose(sums["revenue"], features["spend"], atol=0.005)
    shares = figures.groupby("customer_id")["share"].sum(min_count=1)
    np.testing.assert_allclose(shares.dropna(), 1.0)


def test_without_identities_nobody_has_cards(tmp_path):
    with read_orders(
        shop_settings(tmp_path), FrameSource(order_lines([("ann", 1, 1.0), ("b", 2, 1.0)]))
    ) as log:
        assert card_figures(log, log.end) is None
