"""The products table: joined at reading, last word counts, what it lacks is counted."""

import pandas as pd
import pytest

from features.engines.build import build_features
from features.orders.log import check_orders, read_orders
from features.sources import FrameSource
from tests.support.shop import COLUMNS, shop_settings

PRODUCTS = """sku,title,group,cost
tea,Green tea,drinks,1.50
tea,,,2.00
milk,Milk,,0.335
7,Seven,numbers,1
"""


def line(**different: object) -> dict[str, object]:
    usual = {"customer": "ann", "order": "1", "time": "2024-01-01 10:00", "product": "tea"}
    usual |= {"name": "Tea", "category": "old", "quantity": 3, "amount": 9.0, "discount": 0.0}
    return {**usual, **different}


LINES = pd.DataFrame(
    [
        line(),
        line(product="milk", order="2", time="2024-01-02"),
        line(product="cake", order="3", time="2024-01-03", name=None, category=None, amount=3.0),
        line(product=None, order="4", time="2024-01-04", amount=1.0),
    ]
)


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "products.csv").write_text(PRODUCTS)
    table = {"path": "products.csv", "product_id": "sku", "name": "title", "category": "group"}
    return shop_settings(tmp_path, data={"products": {**table, "unit_cost": "cost"}})


def test_names_categories_and_costs_come_from_the_table(shop):
    with read_orders(shop, FrameSource(LINES)) as log:
        assert log.products().fillna("-").to_numpy().tolist() == [
            ["cake", "-", "-"],
            ["milk", "Milk", "old"],
            ["tea", "Green tea", "drinks"],
        ]
        costs = log.frame("SELECT cost FROM lines ORDER BY day")["cost"]
    # three of each: 2.00 as said last, 0.335 rounded only as a whole
    assert costs.tolist()[:2] == [600, 101]
    assert costs.isna().tolist() == [False, False, True, True]


def test_the_cost_of_the_line_goes_before_that_of_the_table(shop):
    data = shop.data.model_copy(
        update={"columns": shop.data.columns.model_copy(update={"cost": "cost"})}
    )
    lines = LINES.assign(cost=[0.5, None, None, None])
    with read_orders(shop.model_copy(update={"data": data}), FrameSource(lines)) as log:
        costs = log.frame("SELECT cost FROM lines ORDER BY day")["cost"]
    assert costs.tolist()[:2] == [50, 101]


def test_what_the_table_lacks_is_counted(shop):
    with check_orders(shop, FrameSource(LINES, "orders")) as report:
        found = {finding.code: finding for finding in report.findings}
    assert found["not_in_products"].count == 1
    assert found["not_in_products"].share_of_revenue == 3 / 22
    assert found["not_in_products"].example == "orders, row 3"
    assert found["no_product"].count == 1
    assert found["no_category"].count == 1


def test_codes_meet_as_they_are_read(tmp_path):
    """Codes that a float column has spelled 7.0, and codes in another case."""
    (tmp_path / "products.csv").write_text(PRODUCTS.replace("tea", "Tea"))
    table = {"path": "products.csv", "product_id": "sku", "name": "title"}
    shop = shop_settings(
        tmp_path, data={"products": table, "rules": {"product_code_case": "upper"}}
    )
    lines = LINES.assign(product=["tea", "TEA", "7", "milk"])
    with check_orders(shop, FrameSource(lines)) as report:
        assert "not_in_products" not in {finding.code for finding in report.findings}


def test_a_table_changes_no_feature_of_what_it_does_not_say(shop, tmp_path):
    plain = shop_settings(tmp_path, data={"columns": COLUMNS})
    (tmp_path / "products.csv").write_text("sku,title,group,cost\n")
    with read_orders(plain, FrameSource(LINES)) as log:
        before = build_features(log, log.end)
    with read_orders(shop, FrameSource(LINES)) as log:
        pd.testing.assert_frame_equal(build_features(log, log.end), before)
