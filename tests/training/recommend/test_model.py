import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

from features.errors import ConfigError, DataError, NotEnoughData
from tests.support.purchases import day, purchases, random_shop
from training.errors import BundleError
from training.measures.recommendation_metrics import customer_metrics, next_baskets
from training.recommend.baselines import OwnFrequency, PopularProducts
from training.recommend.model import RecommendationModel

TODAY = day(170)
TODAY_NUMBER = (TODAY - date(1970, 1, 1)).days
SHOP = random_shop(seed=5, customers=150)
SMALL = random_shop(seed=5, customers=20)
CUSTOMERS = sorted(SHOP["customer_id"].astype(str).unique())
PRODUCTS = set(SHOP.loc[SHOP["day"] < TODAY_NUMBER, "product_id"])


FILES = [
    "product_ids.json",
    "products.npz",
    "recommendation.json",
    "segments.npz",
    "stages.npz",
    "together.npz",
    "trees.txt",
]


def recommenders():
    return [RecommendationModel(seed=3), OwnFrequency(), PopularProducts()]


@pytest.fixture(scope="module", params=recommenders(), ids=lambda model: model.name)
def fitted(request):
    return request.param.fit(SHOP, as_of=TODAY)


@pytest.fixture(scope="module")
def model():
    return RecommendationModel(seed=3).fit(SHOP, as_of=TODAY)


def lists(recommended):
    return recommended.groupby("customer_id", sort=False)["product_id"].agg(list).to_dict()


def test_lists_have_the_promised_shape(fitted):
    asked = CUSTOMERS[::-1]
    got = fitted.recommend(SHOP, customers=asked, as_of=TODAY, limit=7)
    assert list(got.columns) == ["customer_id", "rank", "product_id", "score", "kind", "why"]
    assert got["customer_id"].drop_duplicates().tolist() == asked
    assert got["rank"].tolist() == [1, 2, 3, 4, 5, 6, 7] * len(asked)
    assert got["score"].between(0, 1, inclusive="right").all()
    assert (got.groupby("customer_id")["score"].diff().dropna() <= 0).all()
    assert not got.duplicated(["customer_id", "product_id"]).any()
    assert set(got["kind"]) <= {"repeat", "new"}
    assert json.loads(json.dumps(got["why"].tolist())) == got["why"].tolist()


def test_kind_says_whether_the_customer_bought_it(fitted):
    past = SHOP.loc[SHOP["day"] < TODAY_NUMBER]
    bought = set(zip(past["customer_id"], past["product_id"], strict=True))
    got = fitted.recommend(SHOP, customers=CUSTOMERS, as_of=TODAY, limit=1_000)
    pairs = zip(got["customer_id"], got["product_id"], strict=True)
    assert got["kind"].tolist() == ["repeat" if pair in bought else "new" for pair in pairs]


@pytest.mark.parametrize("kind", ["all", "repeat", "new"])
def test_a_list_ends_only_when_no_product_is_left(fitted, kind):
    everything = fitted.recommend(SHOP, customers=CUSTOMERS, as_of=TODAY, limit=1_000)
    for customer, part in everything.groupby("customer_id"):
        assert set(part["product_id"]) == PRODUCTS, customer
    exclude = sorted(PRODUCTS)[:9]
    for limit in (1, 10, 25):
        got = fitted.recommend(
            SHOP, customers=CUSTOMERS, as_of=TODAY, limit=limit, kind=kind, exclude=exclude
        )
        left = everything.loc[~everything["product_id"].isin(exclude)]
        left = left if kind == "all" else left.loc[left["kind"] == kind]
        expected = left.groupby("customer_id", sort=False).head(limit)
        assert got["product_id"].tolist() == expected["product_id"].tolist()
        assert got["score"].tolist() == expected["score"].tolist()


def test_rows_on_or_after_the_day_change_nothing(fitted):
    past = SHOP.loc[SHOP["day"] < TODAY_NUMBER]
    again = type(fitted)(**vars_of(fitted)).fit(past, as_of=TODAY)
    pd.testing.assert_frame_equal(
        again.recommend(past, customers=CUSTOMERS, as_of=TODAY),
        fitted.recommend(SHOP, customers=CUSTOMERS, as_of=TODAY),
    )


def vars_of(model):
    return {name: value for name, value in vars(model).items() if not name.endswith("_")}


@pytest.mark.parametrize("seed", range(3))
def test_row_order_and_repeated_rows_change_nothing(fitted, seed):
    mixed = pd.concat([SHOP, SHOP.head(50)]).sample(frac=1, random_state=seed)
    again = type(fitted)(**vars_of(fitted)).fit(mixed, as_of=TODAY)
    pd.testing.assert_frame_equal(
        again.recommend(mixed, customers=CUSTOMERS, as_of=TODAY),
        fitted.recommend(SHOP, customers=CUSTOMERS, as_of=TODAY),
    )


def test_order_of_categories_changes_nothing(model):
    turned = SHOP.assign(
        customer_id=SHOP["customer_id"].cat.reorder_categories(CUSTOMERS[::-1]),
        product_id=SHOP["product_id"].cat.add_categories(["never bought"]),
    )
    again = RecommendationModel(seed=3).fit(turned, as_of=TODAY)
    pd.testing.assert_frame_equal(
        again.recommend(turned, customers=CUSTOMERS, as_of=TODAY),
        model.recommend(SHOP, customers=CUSTOMERS, as_of=TODAY),
    )


def test_batch_equals_one_by_one_with_the_customers_own_rows_only(fitted):
    batch = fitted.recommend(SHOP, customers=CUSTOMERS, as_of=TODAY)
    single = [
        fitted.recommend(
            SHOP.loc[SHOP["customer_id"] == customer], customers=[customer], as_of=TODAY
        )
        for customer in CUSTOMERS
    ]
    pd.testing.assert_frame_equal(pd.concat(single, ignore_index=True), batch)


def test_more_customers_than_one_chunk_get_the_same_lists(model):
    names = [f"cold{number:03d}" for number in range(600)] + CUSTOMERS
    got = model.recommend(SHOP, customers=names, as_of=TODAY)
    pd.testing.assert_frame_equal(
        got.loc[got["customer_id"].isin(CUSTOMERS)].reset_index(drop=True),
        model.recommend(SHOP, customers=CUSTOMERS, as_of=TODAY),
    )


def test_products_first_bought_after_the_fit_are_repeats(fitted):
    later = pd.concat(
        [
            SHOP,
            purchases([("zoe", 9_001, 175, "just_out p01")]),
        ]
    )
    later = later.astype({"customer_id": "category", "product_id": "category"})
    got = fitted.recommend(later, customers=["zoe", "c00"], as_of=day(180), limit=1_000)
    assert "just_out" in lists(got)["zoe"]
    assert "just_out" not in lists(got)["c00"]


def test_saved_and_loaded_model_is_the_same_to_the_bit(model, tmp_path):
    model.save(tmp_path / "a")
    loaded = RecommendationModel.load(tmp_path / "a")
    pd.testing.assert_frame_equal(
        loaded.recommend(SHOP, customers=CUSTOMERS, as_of=TODAY),
        model.recommend(SHOP, customers=CUSTOMERS, as_of=TODAY),
        check_exact=True,
    )
    RecommendationModel(seed=3).fit(SHOP, as_of=TODAY).save(tmp_path / "b")
    loaded.save(tmp_path / "c")
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == sorted(FILES)
    for name in files:
        content = (tmp_path / "a" / name).read_bytes()
        assert (tmp_path / "b" / name).read_bytes() == content
        assert (tmp_path / "c" / name).read_bytes() == content


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_model_is_refused(model, tmp_path, name):
    model.save(tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-20])
    with pytest.raises(BundleError, match="cannot be read"):
        RecommendationModel.load(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(BundleError, match="cannot be read"):
        RecommendationModel.load(tmp_path)


def test_another_format_is_refused(model, tmp_path):
    model.save(tmp_path)
    head = json.loads((tmp_path / "recommendation.json").read_text())
    (tmp_path / "recommendation.json").write_text(json.dumps({**head, "format": 99}))
    with pytest.raises(BundleError, match="format 5"):
        RecommendationModel.load(tmp_path)


def test_models_of_the_format_before_are_read(model, tmp_path):
    model.save(tmp_path)
    head = json.loads((tmp_path / "recommendation.json").read_text())
    (tmp_path / "recommendation.json").write_text(json.dumps({**head, "format": 4}))
    ids = json.loads((tmp_path / "product_ids.json").read_text())
    for name in ("products", "together"):
        with np.load(tmp_path / f"{name}.npz") as arrays:
            table = pd.DataFrame({**(ids if name == "products" else {}), **arrays})
        table.to_parquet(tmp_path / f"{name}.parquet", index=False)
        (tmp_path / f"{name}.npz").unlink()
    before = RecommendationModel.load(tmp_path)
    pd.testing.assert_frame_equal(
        before.recommend(SHOP, customers=CUSTOMERS, as_of=TODAY),
        model.recommend(SHOP, customers=CUSTOMERS, as_of=TODAY),
        check_exact=True,
    )


RHYTHM = purchases([("ann", 1, 0, "milk"), ("ann", 2, 10, "milk tea"), ("ann", 3, 20, "milk")])


def test_reasons_tell_the_rhythm():
    model = RecommendationModel().fit(RHYTHM, as_of=day(25))
    got = model.recommend(RHYTHM, customers=["ann"], as_of=day(25)).set_index("product_id")
    assert got.loc["milk", "why"] == {"code": "every_n_days", "days": 20 // 2, "last_days_ago": 5}
    assert got.loc["tea", "why"] == {"code": "bought_before", "times": 1, "last_days_ago": 15}


def test_equal_scores_are_ordered_by_product():
    shop = purchases([("ann", 1, 0, "b a c"), ("bob", 2, 0, "b a c")])
    for model in recommenders():
        got = model.fit(shop, as_of=day(1)).recommend(shop, customers=["ann"], as_of=day(1))
        assert got["product_id"].tolist() == ["a", "b", "c"]


def test_popular_counts_customers_of_the_window():
    shop = purchases(
        [
            ("ann", 1, 0, "old"),
            ("bob", 2, 0, "old"),
            ("cyd", 3, 0, "old"),
            ("ann", 4, 50, "fresh"),
            ("bob", 5, 50, "fresh"),
            ("ann", 6, 51, "loved"),
            ("ann", 7, 52, "loved"),
            ("ann", 8, 53, "loved"),
        ]
    )
    model = PopularProducts(window_days=30).fit(shop, as_of=day(60))
    got = model.recommend(shop, customers=["new"], as_of=day(60))
    assert got["product_id"].tolist() == ["fresh", "loved", "old"]
    # customers: 3; buyers in the window 2, 1, 0; ever 2, 1, 3
    assert got["score"].tolist() == pytest.approx(
        [
            (2 + 2 / 4) / 5,
            (1 + 1 / 4) / 5,
            (0 + 3 / 4) / 5,
        ]
    )


def test_own_frequency_counts_orders_then_fills_with_popular():
    shop = purchases(
        [
            ("ann", 1, 0, "rare"),
            ("ann", 2, 10, "rare tea"),
            ("bob", 3, 11, "tea milk"),
            ("cyd", 4, 12, "tea milk jam"),
        ]
    )
    model = OwnFrequency().fit(shop, as_of=day(20))
    got = model.recommend(shop, customers=["ann"], as_of=day(20))
    assert got["product_id"].tolist() == ["rare", "tea", "milk", "jam"]
    # ann: 2 orders; popularity of rare (1 + 1/4)/5, of tea (3 + 3/4)/5, of milk (2 + 2/4)/5
    assert got["score"].tolist()[:3] == pytest.approx(
        [
            (1 + (2 + 0.25) / 3) / 2,
            (1 + (1 + 0.75) / 3) / 2,
            0.5 / 2,
        ]
    )


def test_model_is_at_least_as_good_as_its_baselines():
    shop = random_shop(seed=11, customers=150)
    truth = next_baskets(shop, cutoff=TODAY, horizon_days=30)
    asked = sorted(set(truth["customer_id"]))
    ndcg = {}
    for candidate in recommenders():
        got = candidate.fit(shop, as_of=TODAY).recommend(shop, customers=asked, as_of=TODAY)
        table = customer_metrics(got, truth, history=shop, cutoff=TODAY)
        ndcg[candidate.name] = table["ndcg"].mean()
    # Tastes never change in this shop, where counting is as good as it gets.
    assert ndcg["recommendation"] >= ndcg["own_frequency"] - 0.01
    assert ndcg["recommendation"] > ndcg["popular_products"]


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ann", "bob", "cyd"]),
            st.integers(0, 60),
            st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4).map(" ".join),
        ),
        min_size=1,
        max_size=25,
    )
)
def test_any_log_gives_full_lists(orders):
    shop = purchases((who, number, when, what) for number, (who, when, what) in enumerate(orders))
    for model in recommenders():
        got = model.fit(shop, as_of=day(61)).recommend(
            shop, customers=["bob", "eve", "ann"], as_of=day(61), limit=50
        )
        sold = shop["product_id"].nunique()
        assert got.groupby("customer_id").size().to_dict() == dict.fromkeys(
            ["ann", "bob", "eve"], sold
        )
        assert got["score"].between(0, 1, inclusive="right").all()


def test_wrong_arguments_are_refused(fitted):
    with pytest.raises(ConfigError) as refused:
        fitted.recommend(SHOP, customers=[], as_of=day(100), limit=0, kind="old")
    assert [problem.split(":")[0] for problem in refused.value.problems] == [
        "as_of",
        "customers",
        "limit",
        "kind",
    ]
    with pytest.raises(ConfigError, match="'c00' is listed twice"):
        fitted.recommend(SHOP, customers=["c00", "c00"], as_of=TODAY)


def test_wrong_parameters_are_refused():
    with pytest.raises(ConfigError, match="made_on: 'noon'"):
        RecommendationModel(made_on="noon").fit(SHOP, as_of=TODAY)
    with pytest.raises(ConfigError, match="window_days"):
        PopularProducts(window_days=0).fit(SHOP, as_of=TODAY)


def test_wrong_tables_are_refused_with_every_problem():
    table = SHOP.drop(columns="order_id").astype({"product_id": str, "day": float})
    table["customer_id"] = table["customer_id"].where(table.index != 3)
    with pytest.raises(DataError) as refused:
        RecommendationModel().fit(table, as_of=TODAY)
    assert [problem.split("'")[1] for problem in refused.value.problems] == [
        "customer_id",
        "product_id",
        "order_id",
        "day",
    ]


def test_nothing_bought_before_the_day_is_refused():
    for model in recommenders():
        with pytest.raises(NotEnoughData, match="2025-01-01"):
            model.fit(SHOP, as_of=day(0))


def test_a_model_must_be_fitted_first(tmp_path):
    for model in recommenders():
        with pytest.raises(NotFittedError, match=f"{type(model).__name__} is not fitted"):
            model.recommend(SHOP, customers=["c00"], as_of=TODAY)
    with pytest.raises(NotFittedError):
        RecommendationModel().save(tmp_path)
