"""`regulars init` on columns that say who paid with which card, and in which currency."""

import numpy as np
import pandas as pd
import pytest

from features.orders.log import check_orders
from features.settings.loading import load_settings
from serving.settings import Settings
from tests.features.proposal.test_proposal import accepted, columns, proposed, said, shop


@pytest.fixture(scope="module")
def sales() -> pd.DataFrame:
    """Orders of customers who always show the same card."""
    names = {"customer": "customer_id", "order": "order_id", "product": "product_id"}
    frame = shop(customers=30).rename(columns=names)
    return frame.assign(card_no="K" + frame["customer_id"].astype(str))


def without_customers(sales: pd.DataFrame, every: int = 3) -> pd.DataFrame:
    """Nobody named their customer id on each third order."""
    return sales.assign(
        customer_id=sales["customer_id"].astype("Int64").mask(sales["order_id"] % every == 0)
    )


def test_a_card_stands_in_and_the_rows_say_whose_it_is(tmp_path, sales):
    proposal = proposed(without_customers(sales), tmp_path)
    assert columns(proposal)["card_id"] == "card_no"
    assert proposal.settings["data"]["identities"] == {
        "path": "orders.parquet",
        "card_id": "card_no",
        "customer_id": "customer_id",
    }
    with check_orders(accepted(proposal).model_copy(update={"root": tmp_path})) as report:
        assert report.customers == 30
        assert report.anonymous_rows == 0


def test_a_card_of_several_customers_is_left_apart(tmp_path, sales):
    torn = without_customers(sales)
    torn.loc[torn.index[torn["customer_id"].notna()][:1], "card_no"] = "K12001"
    proposal = proposed(torn, tmp_path)
    assert proposal.settings["data"]["identities"]["conflicts"] == "apart"
    assert said(proposal, "1 of them stand beside several")
    with check_orders(accepted(proposal).model_copy(update={"root": tmp_path})) as report:
        assert not report.refusals


def test_cards_that_nothing_tells_of_are_customers(tmp_path, sales):
    frame = without_customers(sales)
    proposal = proposed(
        frame.assign(card_no=frame["card_no"].where(frame["customer_id"].isna())), tmp_path
    )
    assert columns(proposal)["card_id"] == "card_no"
    assert "identities" not in proposal.settings["data"]
    assert said(proposal, "each card is a customer of its own")


def test_a_card_is_not_read_where_every_customer_is_named(tmp_path, sales):
    proposal = proposed(sales, tmp_path)
    assert columns(proposal)["customer_id"] == "customer_id"
    assert "card_id" not in columns(proposal)
    assert "Perhaps 'card_no'" in proposal.toml


def test_a_card_with_the_number_of_a_customer_is_not_read(tmp_path, sales):
    proposal = proposed(without_customers(sales).assign(card_no=sales["customer_id"] + 3), tmp_path)
    assert "card_id" not in columns(proposal)
    assert said(proposal, "'card_no'", "ids of customers as well")


def test_one_currency_is_the_currency(tmp_path, sales):
    proposal = proposed(sales.assign(currency="SEK"), tmp_path)
    data = accepted(proposal).data
    assert (data.currency, data.columns.currency, data.rates) == ("SEK", "currency", {})
    assert not said(proposal, "data.rates")


def test_a_currency_with_gaps_is_not_read_row_by_row(tmp_path, sales):
    gaps = np.where(np.arange(len(sales)) % 5, "SEK", "")
    data = accepted(proposed(sales.assign(currency=gaps), tmp_path)).data
    assert (data.currency, data.columns.currency) == ("SEK", None)


def with_rate(toml: str) -> str:
    return toml.replace("# NOK = 1.0", "NOK = 0.98")


def test_several_currencies_ask_for_rates(tmp_path, sales):
    paid = np.where(np.arange(len(sales)) % 5, "SEK", "nok")
    proposal = proposed(sales.assign(currency=paid), tmp_path)
    data = accepted(proposal).data
    assert (data.currency, data.columns.currency, data.rates) == ("SEK", "currency", {})
    rows = f"{(paid == 'nok').sum():,} rows"
    assert said(proposal, f"NOK ({rows})", "data.rates")
    assert f"# NOK = 1.0  # {rows}" in proposal.toml
    for toml, refusals in ((proposal.toml, ["no_rate"]), (with_rate(proposal.toml), [])):
        (tmp_path / "regulars.toml").write_text(toml, encoding="utf-8")
        with check_orders(load_settings(tmp_path / "regulars.toml", Settings)) as report:
            assert [finding.code for finding in report.found("refuses")] == refusals


def test_a_column_of_other_words_is_no_currency(tmp_path, sales):
    data = accepted(proposed(sales.assign(currency="crowns"), tmp_path)).data
    assert (data.currency, data.columns.currency) == ("EUR", None)
