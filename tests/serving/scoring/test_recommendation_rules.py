from dataclasses import replace

import pandas as pd
import pytest

from features.errors import DataError
from serving.scoring.recommendation_rules import rules_of
from serving.scoring.run import recommendations
from serving.settings import Settings
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


def test_denied_products_and_those_out_of_stock_are_not_recommended(trained, asked):
    every = sorted(trained.orders["product"].unique())
    stock = trained.root / "stock.csv"
    pd.DataFrame({"product_id": every[2:]}).to_csv(stock, index=False)
    got = asked(deny=[every[2]], in_stock="stock.csv")
    assert not {*every[:3]} & set(got["product_id"])
    assert (got.groupby("customer_id", observed=True).size() >= 5).all()


def test_a_stock_file_without_product_ids_is_refused(trained, asked):
    pd.DataFrame({"sku": ["a"]}).to_csv(trained.root / "wrong.csv", index=False)
    with pytest.raises(DataError, match="no column 'product_id'"):
        asked(in_stock="wrong.csv")


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
