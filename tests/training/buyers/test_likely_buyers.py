"""Who will probably buy an item: identities, obvious shops, and what must not matter."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from tests.support.purchases import day, purchases, random_shop
from training.buyers.likely_buyers import ItemKey, LikelyBuyers

TODAY, HORIZON = day(170), 30
TODAY_NUMBER = (TODAY - date(1970, 1, 1)).days


def with_categories(table):
    """Four products share a category."""
    number = table["product_id"].astype(str).str[1:].astype(int)
    return table.assign(category=pd.Categorical("k" + (number // 4).astype(str)))


SHOP = with_categories(random_shop(seed=11, customers=200))
CUSTOMERS = sorted(SHOP["customer_id"].astype(str).unique())
P_ORDER = pd.Series(np.linspace(0, 1, len(CUSTOMERS)), CUSTOMERS)


@pytest.fixture(scope="module")
def model():
    return LikelyBuyers(horizon_days=HORIZON, seed=3).fit(SHOP, as_of=TODAY)


def table_of(model, shop=SHOP, p_order=P_ORDER):
    chances = model.chances(shop, p_order, as_of=TODAY)
    values = np.vstack([values for _, values in chances.blocks()])
    return pd.DataFrame(values, chances.customers, pd.MultiIndex.from_tuples(chances.items))


def test_no_item_is_likelier_than_an_order_and_no_product_than_its_category(model):
    table = table_of(model)
    assert (table.ge(0).all() & table.le(P_ORDER, axis=0).all()).all()
    assert (table.loc[CUSTOMERS[0]] == 0).all()  # who does not order buys nothing
    of_product = SHOP.drop_duplicates("product_id").set_index("product_id")["category"]
    pairs = [
        (("product", product), ("category", of_product[product])) for product in table["product"]
    ]
    assert len(pairs) == 40
    for product, category in pairs:
        assert (table[category] >= table[product]).all()


def test_what_happens_on_the_day_or_later_and_the_order_of_rows_change_nothing(model):
    earlier = SHOP[SHOP["day"] < TODAY_NUMBER].sample(frac=1, random_state=0)
    alike = LikelyBuyers(horizon_days=HORIZON, seed=3).fit(earlier, as_of=TODAY)
    assert alike.to_dict() == model.to_dict()
    pd.testing.assert_frame_equal(table_of(model, earlier), table_of(model))


def test_a_model_read_back_says_the_same_to_the_last_bit(model):
    pd.testing.assert_frame_equal(
        table_of(LikelyBuyers.from_dict(model.to_dict())), table_of(model), check_exact=True
    )


def test_the_sum_of_the_chances_is_the_number_of_buyers(model):
    within = SHOP[SHOP["day"].between(TODAY_NUMBER, TODAY_NUMBER + HORIZON - 1)]
    ordered = pd.Series(1.0, within["customer_id"].astype(str).unique())
    said = table_of(model, p_order=ordered).sum()
    for kind, column in (("product", "product_id"), ("category", "category")):
        came = within.drop_duplicates(["customer_id", column])[column].value_counts()
        assert said[kind].sum() == pytest.approx(came.sum(), rel=0.1)
        assert np.corrcoef(said[kind], came[said[kind].index])[0, 1] > 0.9


def test_who_always_bought_it_leads_who_bought_it_once_and_who_never_did():
    def basket(customer, number):
        milk = customer < 60 or (customer < 120 and number == 0)
        return "bread milk" if milk else "bread"

    shop = purchases(
        (
            f"c{customer:03d}",
            100 * customer + number,
            10 * number + customer % 7,
            basket(customer, number),
        )
        for customer in range(180)
        for number in range(17)
    )
    everybody = pd.Series(1.0, sorted(shop["customer_id"].astype(str).unique()))
    model = LikelyBuyers(horizon_days=HORIZON).fit(shop, as_of=TODAY)
    milk = table_of(model, shop, everybody)["product", "milk"].to_numpy()
    always, once, never = milk[:60], milk[60:120], milk[120:]
    assert always.min() > 0.9
    assert always.min() > once.max()
    assert max(once.max(), never.max()) < 0.1


def test_a_shop_without_a_past_to_learn_from_has_no_likely_buyers():
    small = random_shop(seed=5, customers=15)
    assert LikelyBuyers(horizon_days=HORIZON).fit(small, as_of=TODAY).kinds_ == {}
    young = LikelyBuyers(horizon_days=400).fit(SHOP, as_of=TODAY)
    assert young.kinds_ == {}
    chances = young.chances(SHOP, P_ORDER, as_of=TODAY)
    assert [values.shape for _, values in chances.blocks()] == [(len(CUSTOMERS), 0)]


def test_items_are_the_ones_that_most_customers_bought(model):
    buyers = (
        SHOP[SHOP["day"] < TODAY_NUMBER]
        .groupby("product_id", observed=True)["customer_id"]
        .nunique()
    )
    by_rule = sorted(buyers[buyers >= 20].items(), key=lambda pair: (-pair[1], pair[0]))
    chances = model.chances(SHOP, P_ORDER, as_of=TODAY)
    listed = [item for item in chances.items if item.kind == "product"]
    assert listed == [ItemKey("product", name) for name, _ in by_rule]
