"""How customers came, what that cost and when it is paid back, by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.orders.log import read_orders
from features.sources import FrameSource
from serving.exhibits.assets.origins import payback_month
from serving.exhibits.catalogue import exhibits_of
from tests.support.optional_tables import settings_with, write_tables
from tests.support.shop import FIRST_DAY


def test_a_customer_who_cost_30_and_brings_10_a_month_has_paid_it_back_in_the_third():
    assert payback_month(np.full((1, 6), 10.0), np.array([6]), 30.0) == 3
    assert payback_month(np.full((1, 6), 10.0), np.array([6]), 31.0) == 4
    assert payback_month(np.full((1, 6), 10.0), np.array([6]), 0.0) == 0
    assert payback_month(np.full((1, 6), 10.0), np.array([6]), 61.0) is None


def test_each_month_is_averaged_over_those_who_have_it_behind_them():
    # 20 each in the first month; in the second 10 of the one who has been there so long
    brought = np.array([[20.0, 10.0], [20.0, 0.0]])
    assert payback_month(brought, np.array([2, 1]), 60.0) == 2
    # of three, one alone is no majority
    assert payback_month(np.vstack([brought, brought[1:]]), np.array([2, 1, 1]), 90.0) is None


@pytest.fixture(scope="module")
def with_costs(trained, run, models, tmp_path_factory):
    """The exhibits of the trained shop, with a table that names the way of every other customer."""
    root = tmp_path_factory.mktemp("acquisitions")
    customers = sorted(trained.orders["customer"].unique())
    won = pd.DataFrame(
        {
            "who": [*customers[::2], customers[0], "a stranger"],
            "when": FIRST_DAY,
            "through": [
                *(["search", "friends"] * len(customers))[: len(customers[::2])],
                "post",
                "search",
            ],
            "cost": 5.0,
        }
    )
    write_tables({"acquisitions": won}, root)
    with read_orders(settings_with(root, "acquisitions"), FrameSource(trained.orders)) as log:
        (report,) = log.report.tables
        data = trained.settings.data.model_copy(
            update={"acquisitions": log.settings.data.acquisitions}
        )
        settings = trained.settings.model_copy(update={"data": data})
        found = exhibits_of(replace(log, settings=settings), run, models)
    return won[won["who"] != "a stranger"], report, found


def test_the_table_is_judged_as_the_others(with_costs):
    won, report, _ = with_costs
    assert report.rows_used == len(won)
    assert [reason.reason for reason in report.put_aside] == ["unknown_customer"]


def test_cohorts_of_every_kind_hold_every_customer_once(with_costs, trained, run):
    _, _, found = with_costs
    data = found["customer_assets"]["data"]
    assert set(data["origins"]) == {"channel", "category", "product"}
    for groups in (data["cohorts"], *data["origins"].values()):
        assert sum(group["customers"] for group in groups) == len(run.scores)
        assert sum(group["expected"] for group in groups) == pytest.approx(
            data["closing"], abs=0.01 * len(groups)
        )
        known = trained.orders[trained.orders["time"] < pd.Timestamp(trained.log.end)]
        realised = sum(group["realised"] for group in groups)
        assert realised == pytest.approx(known["amount"].sum(), abs=0.005)


def test_costs_of_a_channel_are_those_of_the_table(with_costs, trained, run):
    won, _, found = with_costs
    data = found["customer_assets"]["data"]
    channels = {group["group"]: group for group in data["origins"]["channel"]}
    shop = set(run.scores["customer_id"])
    # the first customer came by two ways on one day: the first by name counts, with both costs
    of_search = set(won.loc[won["through"] == "search", "who"]) & shop
    first = won["who"].iloc[0]
    assert won.loc[won["who"] == first, "through"].tolist() == ["search", "post"]
    counted = of_search - {first}
    assert channels["post"]["customers"] == 1
    assert channels["post"]["cost"] == 10.0
    assert channels["search"]["customers_with_cost"] == len(counted)
    assert channels["search"]["cost"] == pytest.approx(5.0 * len(counted))
    assert channels[None]["cost"] is None
    # five each are paid back by the first month of a shop whose orders bring more
    lines = trained.orders.sort_values("time")
    of_first_month = lines.groupby("customer")["amount"].first()
    assert of_first_month.mean() > 5
    assert channels["search"]["payback_month"] == 1


def test_the_first_product_is_the_dearest_of_the_first_day(with_costs, trained, run):
    _, _, found = with_costs
    lines = trained.orders.assign(day=trained.orders["time"].dt.normalize())
    first = lines[lines["day"] == lines.groupby("customer")["day"].transform("min")]
    dearest = first.sort_values("amount").groupby("customer")["name"].last()
    sizes = dearest[run.scores["customer_id"]].value_counts()
    groups = found["customer_assets"]["data"]["origins"]["product"]
    for group in groups[:5]:
        assert group["customers"] == sizes[group["group"]]
    assert groups[-1]["is_others"] == (len(sizes) > 10)


def test_replacing_the_lost_costs_what_winning_as_many_cost(with_costs):
    found = with_costs[2]["customer_loss"]["data"]
    assert found["acquisition_cost"] >= 5.0
    assert found["cost_to_replace"] == pytest.approx(
        found["to_replace"] * found["acquisition_cost"], abs=0.01
    )


def test_without_the_table_no_cost_is_said(made):
    found = made["customer_assets"]["data"]
    assert not found["has_acquisition_costs"]
    assert "channel" not in found["origins"]
    assert all(group["cost"] is None for group in found["cohorts"])
    assert made["customer_loss"]["data"]["cost_to_replace"] is None
