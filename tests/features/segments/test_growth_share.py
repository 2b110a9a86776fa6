"""Star, cash cow, question mark, dog."""

from datetime import date

import pandas as pd
import pytest

from features.orders.log import read_orders
from features.segments.growth_share import (
    CustomerGrowthShare,
    assortment_growth_share,
    describe_assortment,
)
from features.settings.segments import Segments
from features.sources import FrameSource
from tests.features.segments.customers import customers
from tests.support.shop import shop_settings

AS_OF = date(2024, 7, 1)
SALES = {
    # category: sales in the 90 days before, in the last 90 days
    "tea": (1000, 2000),
    "coffee": (2000, 2000),
    "cocoa": (10, 30),
    "water": (500, 100),
    "new": (0, 70),
}


def of(before, recent, **rules):
    """Quadrants of customers who spent so much in the two periods of 90 days."""
    settings = Segments.model_validate({"period_days": 90, "growth_share": rules})
    both = [float(a + b) for a, b in zip(before, recent, strict=True)]
    table = customers(spend_90d=list(map(float, recent)), spend_180d=both)
    return list(CustomerGrowthShare(settings).assign(table)["growth_share"])


def test_the_four_quadrants():
    # together 310 → 330 (+ 6.5 %); mean 82.5
    assert of([100, 200, 5, 5], [130, 190, 8, 2]) == ["star", "cash_cow", "question_mark", "dog"]


def test_a_season_that_lifts_everybody_makes_nobody_a_star_by_itself():
    assert of([100, 10], [200, 20]) == ["star", "question_mark"]  # all alike: the mean
    assert of([100, 100, 10], [200, 250, 15]) == ["cash_cow", "star", "dog"]


def test_growth_from_a_fixed_rate():
    assert of([100, 100], [110, 109], growth=0.1) == ["star", "dog"]  # the mean is 109.5
    assert of([100, 100], [110, 109], growth=0.1, relative_share=0.9) == ["star", "cash_cow"]


def test_who_begins_grows_and_who_stays_away_does_not():
    assert of([0, 100], [50, 50]) == ["star", "cash_cow"]
    assert of([100, 0, 100], [0, 0, 100]) == ["dog", "dog", "star"]


def test_nobody_has_sales():
    assert of([0, 0], [0, 0]) == ["dog", "dog"]


def test_the_periods_of_180_days_are_made_equally_long():
    # 180 in the last 180 days, 185 in the 185 days before: no growth, and none needed
    table = customers(spend_180d=[180.0], spend_365d=[365.0])
    assert CustomerGrowthShare().cut_points(table)["growth"] == pytest.approx([0])
    assert CustomerGrowthShare().assign(table)["growth_share"].item() == "star"


@pytest.fixture
def log(tmp_path):
    rows = [
        (category, day, amount)
        for category, amounts in SALES.items()
        for day, amount in zip(("2024-03-01", "2024-06-30"), amounts, strict=True)
        if amount
    ]
    # before both periods, and on the date itself
    rows += [("tea", "2024-01-02", 9999), ("water", "2024-07-01", 9999)]
    lines = pd.DataFrame(rows, columns=["category", "time", "amount"])
    lines = lines.assign(
        customer=["c1", None] * (len(lines) // 2) + ["c1"] * (len(lines) % 2),
        order=[f"o{number}" for number in range(len(lines))],
        product=lines["category"].str[0],
        name="x",
        quantity=1,
        discount=0.0,
        time=pd.to_datetime(lines["time"]),
    )
    settings = shop_settings(tmp_path, segments={"period_days": 90})
    with read_orders(settings, FrameSource(lines)) as found:
        yield found


def test_categories_of_a_shop(log):
    found = assortment_growth_share(log, AS_OF)
    # together 3510 → 4200 (+ 20 %); mean 840
    assert found["group"].to_dict() == {
        "coffee": "cash_cow",
        "tea": "star",
        "water": "dog",
        "new": "question_mark",
        "cocoa": "question_mark",
    }
    tea = found.loc["tea"]
    assert (tea["sales"], tea["sales_before"]) == (2000, 1000)
    assert tea["growth"] == 2000 / 1000 - 1
    assert tea["share"] == pytest.approx(2000 / 4200)
    assert tea["relative_share"] == pytest.approx(2000 / (4200 / 5))
    assert pd.isna(found.loc["new", "growth"])
    assert found["share"].sum() == pytest.approx(1)


def test_products_of_a_shop(log):
    found = assortment_growth_share(log, AS_OF, by="product")
    # coffee and cocoa begin alike: 2010 → 2030
    assert found.loc["c", ["sales_before", "sales"]].tolist() == [2010, 2030]
    assert found.index.name == "product"


def test_the_rule_is_told():
    assert "180 days" in describe_assortment(Segments()).rule.into("en")
    fixed = Segments.model_validate({"growth_share": {"growth": 0.1}})
    assert "at least 10%" in describe_assortment(fixed).rule.into("en")
