"""RFM in a shop's own bins, weights and codes, on customers whose cell is obvious."""

import pandas as pd
import pytest
from pydantic import ValidationError

from features.segments.rfm import Rfm
from features.segments.rfm_own import OwnRfm
from features.settings.segments import Segments


def customers(silence, orders, spend):
    columns = {"days_since_last_order": silence, "orders_365d": orders, "spend_365d": spend}
    return pd.DataFrame(columns, dtype="float64")


def own(**rfm):
    return OwnRfm(Segments.model_validate({"rfm": rfm}))


FIVE = customers([1, 2, 3, 4, 5], [50, 10, 30, 20, 40], [9, 8, 7, 6, 5])


def test_without_a_setting_the_cell_is_that_of_rfm():
    assert list(own().assign(FIVE)["rfm_own_cell"]) == list(Rfm().assign(FIVE)["rfm_cell"])
    # the best in all three; recency the worst, orders the second best, spend the worst
    assert list(own().assign(FIVE)["rfm_score"])[::4] == [100, 25]
    assert list(own().assign(FIVE)["rfm_label"])[::4] == ["high", "low"]


def test_cut_points_codes_and_separator():
    system = own(
        recency={"cuts": [30, 90], "codes": ["C", "B", "A"]},
        frequency={"cuts": [1]},
        money={"quantiles": 2, "codes": ["low", "high"]},
        separator="-",
    )
    table = customers([29, 30, 90], [1, 2, 2], [5, 10, 20])
    assert list(system.assign(table)["rfm_own_cell"]) == ["A-1-low", "B-2-low", "C-2-high"]


def test_the_weighted_score_is_the_weighted_mean_of_the_places():
    """Recency weighs two of four: best in it alone is half of all; halves are rounded up."""
    bins = {"quantiles": 2}
    system = own(recency={**bins, "weight": 2}, frequency=bins, money=bins)
    table = customers([1, 9], [1, 2], [1, 2])
    assert list(system.assign(table)["rfm_score"]) == [50, 50]
    only_money = own(recency={"weight": 0}, frequency={"weight": 0}, money={"weight": 7})
    assert list(only_money.assign(FIVE)["rfm_score"]) == [100, 75, 50, 25, 0]
    eighths = own(recency={"weight": 1}, frequency={"weight": 0}, money={"weight": 1})
    assert eighths.assign(FIVE)["rfm_score"].iloc[1] == 75


def test_the_labels_begin_at_their_scores():
    system = own(frequency={"weight": 0}, money={"weight": 0}, labels={"core": 75, "rest": 0})
    assert list(system.assign(FIVE)["rfm_label"]) == ["core", "core", "rest", "rest", "rest"]


def test_the_rule_names_bins_weights_and_classes():
    system = own(recency={"cuts": [30, 90], "weight": 2}, labels={"core": 75, "rest": 0})
    rule = system.describe(system.cut_points(FIVE))
    assert "cut at 30, 90 days" in rule.rule.into("en")
    assert "50% recency, 25% frequency, 25% money" in rule.rule.into("en")
    assert "core 75, rest 0" in rule.rule.into("zh")
    assert rule.groups["core"].into("zh") == "core"
    assert "20, 30, 40" in rule.cut_points[1].into("en")


def test_groups_compare_with_the_median_where_the_shop_says_so():
    """Of the spends 1, 2, 3 and 100 the median is 2.5 and the mean 26.5."""
    table = customers([1] * 4, [1] * 4, [1, 2, 3, 100])
    by_median = Rfm(Segments.model_validate({"rfm": {"average": "median"}}))
    assert list(Rfm().assign(table)["rfm_group"].str.startswith("important")) == [
        *(False, False, False, True)
    ]
    assert list(by_median.assign(table)["rfm_group"].str.startswith("important")) == [
        *(False, False, True, True)
    ]
    said = by_median.describe(by_median.cut_points(table))
    assert "with its median" in said.rule.into("en")
    assert "2.5 spent" in said.cut_points[0].into("en")


@pytest.mark.parametrize(
    ("rfm", "problem"),
    [
        ({"recency": {"cuts": [90, 30]}}, "ascending"),
        ({"recency": {"cuts": [1], "quantiles": 3}}, "exclude"),
        ({"money": {"codes": ["A", "B"]}}, "5 different"),
        ({"labels": {"core": 75}}, "one of them at 0"),
        ({name: {"weight": 0} for name in ("recency", "frequency", "money")}, "must weigh"),
    ],
)
def test_what_cannot_be_used_is_refused(rfm, problem):
    with pytest.raises(ValidationError, match=problem):
        Segments.model_validate({"rfm": rfm})
