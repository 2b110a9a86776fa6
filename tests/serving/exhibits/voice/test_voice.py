"""NPS, service times and the four indices of the shop, on interactions whose answer is obvious."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from features.orders.log import read_orders
from features.sources import FrameSource
from serving.exhibits.catalogue import exhibits_of
from serving.exhibits.voice.nps import score_of
from tests.serving.conftest import client_of
from tests.support.optional_tables import settings_with, write_tables
from tests.support.stores import fresh_runs

DAY = pd.Timedelta(days=1)


@pytest.fixture(scope="module")
def voice_exhibits(trained, run, models, tmp_path_factory):
    """Exhibits with ten answers of the last month, one of long ago, and five complaints.

    Of the ten, five are promoters and two detractors. Of the complaints, three were answered
    after 1, 2 and 30 hours, one after the date of the run and one never; one was solved.
    """
    root = tmp_path_factory.mktemp("voice")
    end = pd.Timestamp(trained.log.end)
    buyers = sorted(set(trained.orders["customer"]))[:10]
    answers = pd.DataFrame(
        {"who": buyers, "when": end - 20 * DAY, "what": "satisfaction"}
        | {"score": [10.0] * 5 + [8.0] * 3 + [3.0] * 2}
    )
    early = pd.DataFrame(
        {"who": ["a stranger"], "when": [end - 100 * DAY], "what": "satisfaction", "score": [9.0]}
    )
    hours = [1.0, 2.0, 30.0, 999.0, None]
    asked = end - 10 * DAY
    complaints = pd.DataFrame({"who": buyers[:5], "when": asked, "what": "complaint"}).assign(
        answered=[asked + pd.Timedelta(hours=each) if each else None for each in hours],
        solved=[asked + DAY, None, None, None, None],
    )
    events = pd.concat([answers, early, complaints], ignore_index=True).assign(brought=None)
    write_tables({"interactions": events}, root)
    times = {"responded_at": "answered", "resolved_at": "solved"}
    settings = settings_with(root, "interactions", interactions=times)
    with read_orders(settings, FrameSource(trained.orders)) as log:
        data = trained.settings.data.model_copy(
            update={"interactions": log.settings.data.interactions}
        )
        with_voice = trained.settings.model_copy(update={"data": data})
        yield json.loads(
            json.dumps(exhibits_of(replace(log, settings=with_voice), run, models), allow_nan=False)
        )


def test_the_score_is_promoters_minus_detractors():
    assert score_of(50, 20, 100)["nps"] == 30.0
    assert score_of(1, 0, 1)["nps"] == 100.0
    assert score_of(0, 0, 0)["nps"] is None
    # by hand: three more answers, of which ¾ up, ¾ down
    up, down = 50.75 / 103, 20.75 / 103
    reach = 1.2816 * ((up + down - (up - down) ** 2) / 103) ** 0.5
    found = score_of(50, 20, 100)
    assert found["low"] == pytest.approx(100 * (up - down - reach), abs=0.06)
    assert found["high"] == pytest.approx(100 * (up - down + reach), abs=0.06)
    assert -100 <= score_of(0, 3, 3)["low"] <= score_of(0, 3, 3)["nps"] == -100


def test_nps_of_the_shop_its_groups_and_over_time(voice_exhibits, run):
    data = voice_exhibits["nps"]["data"]
    everybody = data["all"]
    assert (everybody["promoters"], everybody["detractors"], everybody["answers"]) == (6, 2, 11)
    assert everybody["nps"] == pytest.approx(100 * 4 / 11, abs=0.05)
    by_period = [period["answers"] for period in data["periods"]]
    assert sum(by_period) == 11
    assert by_period[0] == 1
    for groups in data["systems"].values():
        # the stranger is in no group
        assert sum(group["answers"] for group in groups) == 10
        assert sum(group["promoters"] for group in groups) == 5
        assert all(len(group["periods"]) == len(data["periods"]) for group in groups)
    assert set(data["systems"]) <= set(run.info.segment_columns)


def test_service_answers_and_solves(voice_exhibits):
    data = voice_exhibits["service_times"]["data"]
    complaints = next(kind for kind in data["kinds"] if kind["kind"] == "complaint")
    assert complaints["interactions"] == data["all"]["interactions"] == 5
    assert complaints["response_rate"] == 3 / 5
    assert complaints["response_rate_low"] < 3 / 5 < complaints["response_rate_high"]
    assert complaints["response_within_a_day"] == 2 / 5
    assert complaints["response_median_hours"] == 2.0
    assert (complaints["solution_rate"], complaints["solution_median_hours"]) == (1 / 5, 24.0)
    enquiries = next(kind for kind in data["kinds"] if kind["kind"] == "enquiry")
    assert (enquiries["interactions"], enquiries["response_rate"]) == (0, None)
    assert sum(month["interactions"] for month in data["months"]) == 5


def test_a_shop_without_interactions_says_so(made):
    assert "no interactions" in made["nps"]["why_not"]["en"]
    assert "do not say when" in made["service_times"]["why_not"]["en"]


def test_the_indices_of_the_shop_are_those_of_its_customers(made, run, trained):
    data = made["four_indices"]["data"]
    assert data["satisfaction_index"] is None
    assert data["loyalty_index"] == pytest.approx(run.scores["loyalty_index"].mean(), abs=0.06)
    assert data["lifetime_each"] == pytest.approx(run.scores["clv_lifetime"].mean(), abs=0.01)
    lines = trained.orders[trained.orders["time"] < pd.Timestamp(trained.log.end)]
    year = lines[lines["time"] >= pd.Timestamp(trained.log.end) - 365 * DAY]
    assert data["profit"] == pytest.approx(year["amount"].sum(), abs=0.05)
    # the orders do not reach back two years
    assert data["profit_index"] is None
    for groups in data["systems"].values():
        assert sum(group["customers"] for group in groups) == len(run.scores)
    by_group = run.scores.groupby("lifecycle")["profit_index"].mean()
    for group in data["systems"]["lifecycle"]:
        assert group["profit_index"] == pytest.approx(by_group[group["value"]], abs=0.06)


def test_the_page_shows_them(voice_exhibits, run):
    store = fresh_runs()
    store.publish(run.info, run.scores, run.recommendations, voice_exhibits)
    page = client_of(store).get("/loyalty?by=abc").text
    assert "<strong>+36 points</strong> from 11 answers" in page
    assert "2.0 h" in page
    assert "Four indices of the shop" in page
    chinese = client_of(store).get("/loyalty?lang=zh").text
    assert "净推荐值" in chinese
    assert "店铺四项指数" in chinese
