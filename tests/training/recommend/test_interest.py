"""What was looked at or left in the cart: counted slowly, and worth something where it leads on."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.orders.log import day_number
from tests.support.purchases import day, purchases, random_shop
from training.measures.recommendation_metrics import customer_metrics, mean_metrics, next_baskets
from training.past.interest_signs import (
    HALF_LIFE_DAYS,
    LONGEST_INTEREST,
    InterestSigns,
    Items,
    Sign,
    signs_from,
)
from training.past.names import Names
from training.past.purchase_history import read_history
from training.recommend.baskets import baskets_of, open_episodes, past_episodes
from training.recommend.filters import RecommendationRules
from training.recommend.model import RecommendationModel
from training.recommend.owners import owners_of
from training.recommend.sources import EpisodePast

TODAY = day(170)
ZERO = day_number(day(0))
CATEGORIES = np.arange(40) % 5

SHOP = random_shop(seed=5)
SHOP["category"] = pd.Categorical(
    SHOP["product_id"].map(lambda product: f"k{int(product[1:]) % 5}")
)
CUSTOMERS = sorted(SHOP["customer_id"].unique())


def signs_frame(rows):
    """Signs from (customer, day, product, category, in the cart); known on their own day."""
    frame = pd.DataFrame(
        rows, columns=["customer_id", "day", "product_id", "category", "in_cart"]
    ).astype({"customer_id": "category", "product_id": "category", "category": "category"})
    frame["day"] = frame["day"].astype("int64") + ZERO
    return frame.assign(seen_day=frame["day"], in_cart=frame["in_cart"].astype(bool))


def looked_before_buying(seed=1):
    """Half of what is bought was looked at some days before; as much is looked at and never bought."""
    draw = np.random.default_rng(seed)
    rows = []
    for row in SHOP.itertuples():
        if draw.random() < 0.5:
            when = row.day - ZERO - int(draw.integers(1, 12))
            rows.append((row.customer_id, when, row.product_id, None, draw.random() < 0.3))
        other = f"p{draw.integers(40):02d}"
        rows.append(
            (row.customer_id, row.day - ZERO - int(draw.integers(1, 30)), other, None, False)
        )
    return signs_frame(rows)


SIGNS = looked_before_buying()


@pytest.fixture(scope="module")
def with_signs():
    return RecommendationModel(seed=3).fit(SHOP, as_of=TODAY, signs=SIGNS)


@pytest.fixture(scope="module")
def without():
    return RecommendationModel(seed=3).fit(SHOP, as_of=TODAY)


def items():
    names = Names([f"p{number:02d}" for number in range(40)])
    return Items(names, Names([f"k{number}" for number in range(5)]), CATEGORIES)


def test_what_was_shown_equals_counting():
    log = baskets_of(read_history(SHOP, as_of=TODAY))
    episodes = past_episodes(log, per_customer=2, waited=np.full(len(log.day), 0.6))
    log = replace(log, products=items().products)
    coded = InterestSigns.of(SIGNS, log.customers, items(), TODAY)
    shown = EpisodePast.of(log, episodes, owners_of(log.customers), coded).signs
    today, counted = day_number(TODAY), 0
    for number in range(0, len(episodes), 7):
        customer = log.customers[int(episodes.customer[number])]
        moment = today + int(episodes.moment[number])
        own = SHOP[(SHOP["customer_id"] == customer) & (SHOP["day"] < moment)]
        signs = SIGNS[(SIGNS["customer_id"] == customer) & (SIGNS["seen_day"] < moment)]
        signs = signs[signs["day"] >= moment - LONGEST_INTEREST]
        for by, rows in (("product_id", shown.products), ("category", shown.categories)):
            name = signs["product_id"].astype(str)
            item = name if by == "product_id" else "k" + name.str[1:].astype(int).mod(5).astype(str)
            expected = {}
            for what, when, in_cart in zip(item, signs["day"], signs["in_cart"], strict=True):
                if not (own.loc[own[by] == what, "day"] >= when).any():
                    looked, carted, last = expected.get(what, (0.0, 0.0, 99))
                    weight = 2 ** (-(moment - when) / HALF_LIFE_DAYS)
                    expected[what] = (
                        looked + weight, carted + weight * in_cart, min(last, moment - when)
                    )  # fmt: skip
            part = slice(rows.first_row[number], rows.first_row[number + 1])
            names = items().products if by == "product_id" else items().categories
            assert [names[int(code)] for code in rows.item[part]] == sorted(expected)
            got = np.column_stack([rows.looked[part], rows.carted[part], rows.last_days[part]])
            np.testing.assert_allclose(
                got,
                np.array([expected[name] for name in sorted(expected)]).reshape(-1, 3),
                rtol=1e-5,
            )
            counted += len(expected)
    assert counted > 100


def test_where_looks_lead_to_purchases_lists_hit_more_often(with_signs, without):
    truth = next_baskets(SHOP, cutoff=TODAY, horizon_days=30)
    asked = {"customers": list(truth["customer_id"].unique()), "as_of": TODAY, "limit": 10}

    def measured(model, **signs):
        lists = model.recommend(SHOP, **asked, **signs)
        by_customer = customer_metrics(lists, truth, history=SHOP, cutoff=TODAY, k=10)
        return mean_metrics(by_customer)

    better, plain = measured(with_signs, signs=SIGNS), measured(without)
    assert better["recall"] > plain["recall"] + 0.03
    assert better["new_recall"] > plain["new_recall"] + 0.1


def test_a_shop_where_nobody_looks_has_the_same_model_to_the_bit(tmp_path, without):
    strangers = signs_frame([("nobody", 100, "p01", None, True)])
    other = RecommendationModel(seed=3).fit(SHOP, as_of=TODAY, signs=strangers)
    assert not other.sees_signs
    for model, name in ((without, "a"), (other, "b")):
        model.save(tmp_path / name)
    for file in sorted((tmp_path / "a").iterdir()):
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_what_is_known_later_changes_nothing(with_signs):
    late = SIGNS.assign(seen_day=day_number(TODAY))
    again = RecommendationModel(seed=3).fit(SHOP, as_of=TODAY, signs=pd.concat([SIGNS, late]))
    asked = {"customers": CUSTOMERS, "as_of": TODAY}
    pd.testing.assert_frame_equal(
        again.recommend(SHOP, signs=pd.concat([late, SIGNS]), **asked),
        with_signs.recommend(SHOP, signs=SIGNS, **asked),
    )


def test_one_customer_is_listed_as_among_others_and_after_a_file(with_signs, tmp_path):
    with_signs.save(tmp_path / "model")
    loaded = RecommendationModel.load(tmp_path / "model")
    batch = with_signs.recommend(SHOP, customers=CUSTOMERS, as_of=TODAY, signs=SIGNS)
    for customer in CUSTOMERS[:4]:
        own = SHOP[(SHOP["customer_id"] == customer) & (SHOP["day"] < day_number(TODAY))]
        baskets = [
            (day(int(rows["day"].iloc[0]) - ZERO), set(rows["product_id"]))
            for _, rows in own.groupby("order_id", sort=True)
        ]
        mine = SIGNS[SIGNS["customer_id"] == customer]
        rows = mine[list(Sign._fields)].astype(object).to_numpy().tolist()
        rows = [[None if value != value else value for value in row] for row in rows]  # noqa: PLR0124
        one = loaded.recommend_one(
            baskets, as_of=TODAY, customer=customer, signs=signs_from(rows[::-1])
        )
        expected = batch[batch["customer_id"] == customer].reset_index(drop=True)
        pd.testing.assert_frame_equal(one, expected)


def test_reasons_say_when_it_was_looked_at_and_rules_go_on_holding(with_signs):
    customer = CUSTOMERS[0]
    own = set(SHOP.loc[SHOP["customer_id"] == customer, "product_id"])
    seen, carted, refused = [name for name in items().products if name not in own][:3]
    signs = signs_frame(
        [
            (customer, 165, seen, None, False),
            (customer, 160, carted, None, True),
            (customer, 168, carted, None, False),
            (customer, 169, refused, None, True),
        ]
    )
    asked = {"customers": [customer], "as_of": TODAY, "kind": "new", "limit": 40, "signs": signs}
    got = with_signs.recommend(SHOP, exclude=[refused], **asked).set_index("product_id")
    assert got.loc[seen, "why"] == {"code": "looked_at", "on": day(165).isoformat()}
    assert got.loc[carted, "why"] == {"code": "left_in_cart", "on": day(160).isoformat()}
    assert got.loc[carted, "rank"] <= 5
    assert refused not in got.index
    # who did not agree to personal lists is shown what sells
    nobody = RecommendationRules(consent=[])
    codes = {why["code"] for why in with_signs.recommend(SHOP, rules=nobody, **asked)["why"]}
    assert codes == {"popular"}


def test_interest_in_a_category_brings_its_products(with_signs):
    customer = CUSTOMERS[1]
    signs = signs_frame([(customer, 169, None, "k3", False)])
    asked = {"customers": [customer], "as_of": TODAY, "kind": "new", "limit": 40}
    got = with_signs.recommend(SHOP, signs=signs, **asked)
    of_category = {why["category"] for why in got["why"] if why["code"] == "looked_at_category"}
    assert of_category <= {"k3"}
    shown = InterestSigns.of(signs, Names([customer]), items(), TODAY).shown(
        np.array([0]), np.array([0]), (np.empty(0, int), np.empty(0, int), np.empty(0))
    )
    assert shown.categories.item.tolist() == [3]
    assert shown.categories.looked.tolist() == [np.float32(2 ** (-1 / HALF_LIFE_DAYS))]


def test_a_purchase_ends_the_interest_on_its_own_day_too():
    shop = purchases([("ann", 1, 10, "p00"), ("ann", 2, 20, "p01")])
    log = baskets_of(read_history(shop, as_of=day(30)))
    rows = [
        ("ann", 20, "p01", None, True),
        ("ann", 21, "p01", None, False),
        ("ann", 9, "p00", None, True),
    ]
    coded = InterestSigns.of(
        signs_frame(rows),
        log.customers,
        Items(log.products, Names([]), np.array([-1, -1])),
        day(30),
    )
    past = EpisodePast.of(
        log, past_episodes(log, per_customer=1, waited=None), owners_of(log.customers), coded
    )
    assert past.signs.products.item.tolist() == []
    shown = EpisodePast.of(log, open_episodes(log), owners_of(log.customers), coded).signs.products
    assert (shown.item.tolist(), shown.last_days.tolist()) == ([1], [9.0])
    assert shown.carted.tolist() == [0.0]
