"""What the next order holds: shares by hand, whom to believe, and both ways to ask."""

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from features.orders.log import day_number
from training.measures.category_metrics import LAST, POPULAR, judged_categories
from training.models.next_category import USUAL, NextCategory

DAY = date(2024, 6, 1)


def purchases(orders):
    """The table of purchases from (customer, day before DAY, categories), a product per category."""
    rows = [
        (customer, number, day_number(DAY) - age, f"p-{name}", name)
        for number, (customer, age, names) in enumerate(orders)
        for name in names
    ]
    table = pd.DataFrame(rows, columns=["customer_id", "order_id", "day", "product_id", "category"])
    table["category"] = table["category"].where(table["category"] != "?", None)
    kinds = dict.fromkeys(("customer_id", "product_id", "category"), "category")
    return table.astype({**kinds, "order_id": "int64", "day": "int32"})


FEW = [
    ("a", 40, ["tea"]),
    ("a", 30, ["tea", "milk"]),
    ("a", 20, ["?"]),
    ("a", 10, ["milk"]),
    ("b", 5, ["bread"]),
    ("c", 5, ["?"]),
    ("z", -3, ["wine"]),
]


def test_by_hand():
    model = NextCategory().fit(purchases(FEW), as_of=DAY)
    decay, prior = USUAL
    assert (model.decay_, model.prior_orders_) == USUAL
    assert model.categories_ == ["bread", "milk", "tea", "wine"]
    orders = 1 + decay + decay**2 + 1
    share = np.array([1, 1 + decay, decay + decay**2, 0]) / orders
    assert model.shares_ == pytest.approx(share)
    said = model.predict(purchases(FEW), as_of=DAY).set_index(["customer_id", "category"])
    # the order of unknown category, and what comes after the date, count for nothing
    own = (1 + decay + prior * share[1]) / (1 + decay + decay**2 + prior)
    assert said.loc[("a", "milk"), "probability"] == pytest.approx(own)
    assert said.loc[("b", "bread"), "probability"] == pytest.approx(
        (1 + prior * share[0]) / (1 + prior)
    )
    assert set(said.index.get_level_values(0)) == {"a", "b"}
    assert said.loc["a", "rank"].tolist() == [1, 2, 3]


def habits(customers=120, orders=12, seed=1):
    """Everybody has a favourite of four categories, taken nine times of ten."""
    rng = np.random.default_rng(seed)
    names = ["bread", "milk", "tea", "wine"]
    return purchases(
        [
            (
                f"c{n:03d}",
                15 * (orders - k) - 30,
                [names[n % 4 if rng.random() < 0.9 else rng.integers(4)]],
            )
            for n in range(customers)
            for k in range(orders)
        ]
    )


def test_habits_are_believed_and_known_better_than_by_rules():
    table = habits()
    model = NextCategory().fit(table, as_of=DAY)
    assert model.prior_orders_ <= 2
    found = judged_categories(
        model,
        table,
        pd.Index([f"c{n:03d}" for n in range(120)]),
        cutoff=DAY,
        horizon_days=60,
    )
    hit = {name: measures["category_hit"] for name, measures in found.items()}
    assert hit["model"] > hit[LAST] > hit[POPULAR]
    assert hit["model"] == pytest.approx(0.9 + 0.1 / 4, abs=0.07)
    assert found["model"]["category_calibration_error"] < 0.06


def test_without_habits_everybody_is_told_what_is_popular():
    rng = np.random.default_rng(2)
    names = rng.choice(["bread", "milk", "tea"], p=[0.6, 0.3, 0.1], size=(100, 6))
    table = purchases(
        [(f"c{n:03d}", 70 - 10 * k, [names[n, k]]) for n in range(100) for k in range(6)]
    )
    model = NextCategory().fit(table, as_of=DAY)
    assert model.prior_orders_ >= 10
    said = model.predict(table, as_of=DAY)
    assert (said.loc[said["rank"] == 1, "category"] == "bread").mean() > 0.9


def test_a_customer_alone_and_a_saved_model_say_the_same():
    table = habits()
    model = NextCategory().fit(table, as_of=DAY)
    again = NextCategory.from_dict(json.loads(json.dumps(model.to_dict())))
    said = model.predict(table, as_of=DAY)
    pd.testing.assert_frame_equal(again.predict(table, as_of=DAY), said, check_exact=True)
    own = table[(table["customer_id"] == "c007") & (table["day"] < day_number(DAY))]
    orders = [{name} for name in own.sort_values("day")["category"]]
    alone = again.of_orders([orders[0], set(), *orders[1:], {"never heard of"}])
    listed = said[said["customer_id"] == "c007"]
    assert [name for name, _ in alone] == listed["category"].tolist()
    assert [chance for _, chance in alone] == pytest.approx(listed["probability"].tolist())


def test_later_orders_and_the_order_of_rows_change_nothing():
    table = habits()
    early = table[table["day"] < day_number(DAY)]
    shuffled = table.sample(frac=1, random_state=3)
    said = [
        NextCategory().fit(some, as_of=DAY).predict(some, as_of=DAY)
        for some in (table, early, shuffled)
    ]
    pd.testing.assert_frame_equal(said[0], said[1], check_exact=True)
    pd.testing.assert_frame_equal(said[0], said[2])


def test_new_categories_wait_for_the_next_training():
    model = NextCategory().fit(purchases(FEW), as_of=DAY - timedelta(days=15))
    assert "bread" not in model.categories_[:0] + [
        name for name in model.categories_ if model.shares_[model.categories_.index(name)] > 0
    ]
    said = model.predict(purchases([*FEW, ("d", 1, ["cheese"])]), as_of=DAY)
    assert "cheese" not in set(said["category"])


def test_without_categories_there_is_nothing_to_say():
    table = purchases([("a", 3, ["?"]), ("b", 5, ["?"])])
    model = NextCategory().fit(table, as_of=DAY)
    assert model.predict(table, as_of=DAY).empty
    nobody = judged_categories(None, table, pd.Index(["a"]), cutoff=DAY, horizon_days=30)
    assert nobody == {"model": {}, LAST: {}, POPULAR: {}}
    assert model.of_orders([{"tea"}]) == []
