from dataclasses import replace
from datetime import date
from itertools import groupby
from operator import itemgetter

import numpy as np
import pandas as pd
import pytest

from features.engines.customer_lines import customer_lines
from features.errors import DataError
from features.orders.log import read_orders
from features.reading.order_line import Line
from features.sources import FrameSource
from serving.live.shelf import given_back_whole
from serving.scoring.recommendation_rules import rules_of
from serving.scoring.run import recommendations
from serving.settings import Settings
from tests.support.shop import shop_settings
from training.bundle.publication import load_models
from training.settings import Recommend


@pytest.fixture
def asked(trained):
    """Recommendations of the trained shop under `[recommend]` settings."""
    model = load_models(trained.settings).recommendation

    def recommended(**rules):
        log = replace(trained.log, settings=with_rules(trained, **rules))
        return recommendations(log, model, log.end, 5)

    return recommended


def with_rules(trained, **rules):
    return trained.settings.model_copy(update={"recommend": Recommend(**rules)})


def test_without_settings_nothing_is_filtered(trained, asked):
    assert set(asked()["product_id"]) <= set(trained.orders["product"])
    assert rules_of(trained.log, trained.log.end).problems() == []


def test_denied_products_and_those_out_of_stock_are_not_recommended(trained, asked, tmp_path):
    every = sorted(trained.orders["product"].unique())
    stock = tmp_path / "stock.csv"
    pd.DataFrame({"product_id": every[2:]}).to_csv(stock, index=False)
    got = asked(deny=[every[2]], in_stock=str(stock))
    assert not {*every[:3]} & set(got["product_id"])
    assert (got.groupby("customer_id", observed=True).size() >= 5).all()


def test_a_stock_file_without_product_ids_is_refused(asked, tmp_path):
    wrong = tmp_path / "wrong.csv"
    pd.DataFrame({"sku": ["a"]}).to_csv(wrong, index=False)
    with pytest.raises(DataError, match="no column 'product_id'"):
        asked(in_stock=str(wrong))


def test_prices_are_medians_of_what_one_piece_cost(trained):
    log = replace(trained.log, settings=with_rules(trained, price_from=1.0))
    rules = rules_of(log, log.end)
    orders = trained.orders
    bought = orders[(orders["quantity"] > 0) & (orders["amount"] > 0)]
    expected = (bought["amount"] / bought["quantity"]).groupby(bought["product"]).median()
    assert rules.prices.keys() == set(expected.index)
    for product, price in rules.prices.items():
        assert price == pytest.approx(expected[product], abs=0.01)


def test_consent_is_asked_for_where_it_is_known(asked):
    with pytest.raises(DataError, match=r"data\.customers\.consent"):
        asked(needs_consent=True)


def test_an_empty_price_range_is_refused():
    with pytest.raises(ValueError, match="price_from"):
        Recommend(price_from=2, price_to=1)
    assert Settings.model_fields["recommend"].default == Recommend()


@pytest.fixture(scope="module")
def returning(tmp_path_factory):
    """Ann gives back every lamp and one of two rugs; the rest buy now and then."""
    lines = [
        ("ann", "1", "2024-01-01", "lamp", 2, 40.0),
        ("ann", "1", "2024-01-01", "rug", 2, 90.0),
        ("ann", "2", "2024-01-09", "lamp", -2, -40.0),
        ("ann", "2", "2024-01-09", "rug", -1, -45.0),
        ("bob", "3", "2024-03-01", "lamp", 1, 20.0),
        ("cyd", "4", "2024-04-30", "cup", 1, 5.0),
    ]
    columns = ["customer", "order", "time", "product", "quantity", "amount"]
    orders = pd.DataFrame(lines, columns=columns)
    orders["time"] = pd.to_datetime(orders["time"])
    orders = orders.assign(name=orders["product"], category="goods", discount=0.0)
    settings = shop_settings(tmp_path_factory.mktemp("returning"))
    with read_orders(settings, FrameSource(orders)) as log:
        yield log


def test_what_was_given_back_whole_is_known_per_customer(returning):
    assert rules_of(returning, date(2024, 5, 1)).given_back == {"ann": {"lamp"}}
    assert rules_of(returning, date(2024, 1, 9)).given_back == {}


def test_one_customer_alone_gave_back_what_a_run_says(tmp_path):
    rng, count = np.random.default_rng(4), 400
    weight = rng.choice([0.1, 0.2, 0.3, 1, 2], count) * rng.choice([1, 1, 1, -1, -1], count)
    orders = pd.DataFrame(
        {
            "customer": rng.choice([f"c{number:02d}" for number in range(40)], count),
            "order": [f"o{number}" for number in range(count)],
            "time": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, count), "D"),
            "product": rng.choice(["tea", "rice", "salt"], count),
            "quantity": weight,
            "amount": 10 * weight,
        }
    )
    orders = orders.assign(name=orders["product"], category="goods", discount=0.0)
    with read_orders(shop_settings(tmp_path), FrameSource(orders)) as log:
        for day in (date(2024, 1, 20), date(2024, 2, 20), log.end):
            alone = {
                customer: products
                for customer, rows in groupby(customer_lines(log, before=day), key=itemgetter(0))
                if (products := given_back_whole(line for _, line in rows))
            }
            assert len(alone) > 1
            assert rules_of(log, day).given_back == alone


def test_weights_that_add_up_to_nothing_were_given_back_whole():
    parts = [(0.1, False), (0.2, False), (-0.3, True)]
    lines = [
        Line("1", 19_000, 600, "rice", None, None, weight, 100, 0, None, is_return)
        for weight, is_return in parts
    ]
    assert given_back_whole(lines) == {"rice"}


@pytest.mark.parametrize(
    ("days", "gone"), [(61, {"rug"}), (60, {"lamp", "rug"}), (1, {"lamp", "rug"}), (None, set())]
)
def test_what_nobody_bought_for_long_is_gone_where_no_stock_is_known(returning, days, gone):
    rules = {"recommend": Recommend(sold_within_days=days)}
    log = replace(returning, settings=returning.settings.model_copy(update=rules))
    # the lamp was sold last 61 days before the first of May
    assert rules_of(log, date(2024, 5, 1)).gone == gone
    (returning.settings.root / "stock.csv").write_text("product_id\nlamp\n")
    rules = {"recommend": Recommend(sold_within_days=days, in_stock="stock.csv")}
    log = replace(returning, settings=returning.settings.model_copy(update=rules))
    assert rules_of(log, date(2024, 5, 1)).gone == set()
