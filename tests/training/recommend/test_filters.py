"""Rules, cold start, reasons, and the answer for one customer."""

import numpy as np
import pandas as pd
import pytest

from features.errors import ConfigError
from features.orders.log import day_date, day_number
from tests.support.purchases import day, random_shop
from training.recommend.filters import RecommendationRules
from training.recommend.model import RecommendationModel

TODAY = day(170)
CATEGORIES = 7


def with_categories(shop):
    category = shop["product_id"].astype(str).str.slice(1).astype(int) % CATEGORIES
    return shop.assign(category=pd.Categorical("k" + category.astype(str)))


SHOP = with_categories(random_shop(seed=5, customers=150, products=120))
CUSTOMERS = sorted(SHOP["customer_id"].astype(str).unique())[:30]
PAST = SHOP[SHOP["day"] < day_number(TODAY)]
PRODUCTS = sorted(set(PAST["product_id"]))
CATEGORY = dict(zip(SHOP["product_id"], SHOP["category"], strict=True))
UNSOLD = pd.DataFrame({"product_id": ["fresh1", "fresh2"], "category": ["k1", "k99"]})
SEGMENTS = {customer: "abc"[number % 3] for number, customer in enumerate(CUSTOMERS)}


@pytest.fixture(scope="module")
def model():
    return RecommendationModel(seed=3).fit(SHOP, as_of=TODAY, unsold=UNSOLD, segments=SEGMENTS)


@pytest.fixture(scope="module", params=["trees", "counts"])
def either(request, model):
    if request.param == "trees":
        return model
    few = SHOP[SHOP["customer_id"].isin(CUSTOMERS[:12])]
    return RecommendationModel(seed=3).fit(few, as_of=TODAY, unsold=UNSOLD)


def asked(model, **wishes):
    return model.recommend(SHOP, customers=CUSTOMERS[:12], as_of=TODAY, **wishes)


def listed(table):
    return table.groupby("customer_id", sort=False)["product_id"].agg(list).to_dict()


def test_which_models_have_trees(model, either):
    assert model.stages_ is not None
    assert (either is model) == (either.stages_ is not None)


def test_denied_products_leave_full_lists(either):
    deny = asked(either, limit=5)["product_id"].unique().tolist()
    got = asked(either, limit=20, rules=RecommendationRules(deny=deny))
    assert not set(got["product_id"]) & set(deny)
    assert got.groupby("customer_id").size().eq(20).all()


@pytest.mark.parametrize("name", ["allow", "in_stock"])
def test_only_allowed_products_are_listed(either, name):
    allow = sorted(either.catalogue_.products)[::4]
    got = asked(either, limit=len(allow), rules=RecommendationRules(**{name: allow}))
    assert all(sorted(products) == allow for products in listed(got).values())


def test_categories(either):
    got = asked(either, limit=10, rules=RecommendationRules(categories=["k2"], deny=["p002"]))
    assert {CATEGORY[product] for product in got["product_id"]} == {"k2"}
    assert got.groupby("customer_id").size().eq(10).all()
    others = asked(either, limit=10, rules=RecommendationRules(deny_categories=["k2"]))
    assert "k2" not in {CATEGORY[product] for product in others["product_id"]}


def test_price_range_includes_its_ends(either):
    prices = {product: float(number) for number, product in enumerate(PRODUCTS)}
    rules = RecommendationRules(prices=prices, price_from=3, price_to=7)
    got = asked(either, limit=100, rules=rules)
    assert all(sorted(products) == PRODUCTS[3:8] for products in listed(got).values())


def test_what_was_just_bought_can_be_hidden(either):
    whole = asked(either, limit=200)
    last = whole["why"].map(lambda why: why.get("last_days_ago"))
    recent = set(
        zip(whole["customer_id"][last <= 20], whole["product_id"][last <= 20], strict=True)
    )
    got = asked(either, limit=15, rules=RecommendationRules(bought_within_days=20))
    assert recent
    assert not recent & set(zip(got["customer_id"], got["product_id"], strict=True))
    assert got.groupby("customer_id").size().eq(15).all()


@pytest.mark.parametrize("most", [1, 2])
def test_at_most_so_many_per_category(either, most):
    got = asked(
        either, limit=50, rules=RecommendationRules(per_category=most, deny=["fresh1", "fresh2"])
    )
    category = got["product_id"].map(CATEGORY)
    counts = got.groupby(["customer_id", category]).size()
    # nothing is left: every category has given all that it may
    assert (counts == most).all()
    assert len(counts) == 12 * CATEGORIES


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_share_of_new_products_can_be_asked_for(either, share):
    got = asked(either, limit=10, rules=RecommendationRules(new_share=share))
    new = got["kind"].eq("new").groupby(got["customer_id"]).sum()
    own = asked(either, limit=200, kind="repeat").groupby("customer_id").size()
    expected = [max(round(10 * share), 10 - own[customer]) for customer in new.index]
    assert new.tolist() == expected
    assert (got.groupby("customer_id")["score"].diff().dropna() <= 0).all()


def test_without_consent_the_past_is_not_looked_at(model):
    got = asked(model, limit=10, rules=RecommendationRules(consent=CUSTOMERS[1:]))
    nobody = model.recommend(SHOP, customers=["nobody"], as_of=TODAY, limit=10)
    silent = got[got["customer_id"] == CUSTOMERS[0]]
    assert silent["product_id"].tolist() == nobody["product_id"].tolist()
    assert silent["why"].tolist() == [{"code": "popular"}] * 10
    rest = asked(model, limit=10)
    pd.testing.assert_frame_equal(got.iloc[10:], rest.iloc[10:])


def test_rules_that_cannot_hold_are_refused_together(model):
    rules = RecommendationRules(
        per_category=0, bought_within_days=-1, new_share=1.5, price_from=2.0, price_to=1.0
    )
    with pytest.raises(ConfigError) as refused:
        asked(model, rules=rules)
    assert [problem.split(":")[0] for problem in refused.value.problems] == [
        "per_category",
        "bought_within_days",
        "new_share",
        "price_from",
    ]


def test_cold_customers_get_what_is_popular_in_shop_segment_or_category(model):
    names = ["cold", "of_b"]
    wish = {"customers": names, "as_of": TODAY, "limit": 8}
    got = model.recommend(SHOP, **wish, segments={"of_b": "b", "cold": "unknown"})
    shop, segment = got[got["customer_id"] == "cold"], got[got["customer_id"] == "of_b"]
    assert shop["why"].tolist() == [{"code": "popular"}] * 8
    assert segment["why"].tolist() == [{"code": "popular_in_segment", "segment": "b"}] * 8
    mine = PAST[PAST["customer_id"].astype(str).map(SEGMENTS).eq("b")]
    recent = np.exp2((mine["day"] - day_number(TODAY)) / 14)
    assert (
        segment["product_id"].iloc[0]
        == recent.groupby(mine["product_id"].astype(str)).sum().idxmax()
    )
    within = model.recommend(SHOP, **wish, rules=RecommendationRules(categories=["k3"]))
    assert {CATEGORY[product] for product in within["product_id"]} == {"k3"}
    assert within["score"].between(0, 1, inclusive="right").all()


def test_products_never_sold_come_last_and_say_so(model):
    got = asked(model, limit=1_000)
    for _, part in got.groupby("customer_id"):
        assert part["product_id"].tolist()[-2:] == ["fresh1", "fresh2"]
    only = asked(model, limit=1, rules=RecommendationRules(categories=["k99"]))
    assert only["why"].tolist() == [{"code": "not_sold_yet", "category": "k99"}] * 12


def test_one_order_is_enough_for_a_list_of_ones_own(model):
    baskets = [(day(160), ["p003", "p001"])]
    own = model.recommend_one(baskets, as_of=TODAY, kind="repeat")
    assert sorted(own["product_id"]) == ["p001", "p003"]
    assert own["why"].tolist() == [{"code": "bought_before", "times": 1, "last_days_ago": 10}] * 2
    assert len(model.recommend_one(baskets, as_of=TODAY, limit=10)) == 10


@pytest.mark.parametrize(
    "rules",
    [RecommendationRules(), RecommendationRules(per_category=2, deny=["p001"], new_share=0.5)],
)
def test_one_customer_from_baskets_at_hand_equals_the_batch(either, rules):
    batch = asked(either, limit=15, rules=rules)
    for customer in CUSTOMERS[:12]:
        lines = SHOP[SHOP["customer_id"] == customer]
        baskets = [
            (day_date(number), held["product_id"].tolist())
            for (number, _), held in lines.groupby(["day", "order_id"])
        ]
        one = either.recommend_one(baskets, as_of=TODAY, customer=customer, limit=15, rules=rules)
        whole = batch[batch["customer_id"] == customer].reset_index(drop=True)
        pd.testing.assert_frame_equal(one, whole, check_exact=True)


@pytest.mark.parametrize(
    "rules",
    [RecommendationRules(), RecommendationRules(consent=set(CUSTOMERS[:4]), per_category=2)],
)
def test_several_customers_from_baskets_at_hand_equal_one_after_the_other(either, rules):
    held = {
        customer: [
            (day_date(number), set(lines["product_id"]))
            for (number, _), lines in SHOP[SHOP["customer_id"] == customer].groupby(
                ["day", "order_id"]
            )
        ]
        for customer in CUSTOMERS[:8]
    }
    held["stranger"] = [(day(165), {"just_out"})]
    kinds = ("all", "new")
    wishes = {"as_of": TODAY, "limit": 15, "rules": rules}
    found = either.recommend_given(held, kinds=kinds, **wishes)
    for kind, lists in zip(kinds, found, strict=True):
        assert list(lists) == list(held)
        for customer, picks in lists.items():
            one = either.recommend_one(held[customer], customer=customer, kind=kind, **wishes)
            names = ["product_id", "score", "kind", "why"]
            assert [list(pick) for pick in picks] == one[names].to_numpy().tolist()


def test_one_customer_with_products_nobody_knew(model):
    got = model.recommend_one([(day(165), ["just_out"])], as_of=TODAY, limit=500)
    assert got.loc[got["product_id"] == "just_out", "kind"].tolist() == ["repeat"]
    assert set(got["product_id"]) == {*PRODUCTS, "just_out", "fresh1", "fresh2"}
