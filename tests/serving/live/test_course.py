"""A customer's course and what an order would change are what runs of those mornings say."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from features.orders.log import day_number, read_orders
from features.sources import FrameSource
from serving.live.context import RunContext
from serving.live.course import RiskCourse, course_after
from serving.live.messages import (
    AnotherRun,
    CourseAnswer,
    CourseRequest,
    CustomerLines,
    answer_message,
    course_answer,
    message_of,
    request_in,
)
from serving.live.scorer import Scorer
from serving.scoring.run import score
from tests.support.sent import typed_lines_of
from training.bundle.publication import load_models

NOW = datetime(2024, 9, 1, 4, 30, tzinfo=UTC)
HORIZON_TO_LEARN = 60


@pytest.fixture(scope="module")
def models(trained):
    """Models that speak of the past too, so that runs can be compared with."""
    models = load_models(trained.settings)
    early = trained.log.end - timedelta(days=HORIZON_TO_LEARN)
    return replace(models, manifest=replace(models.manifest, as_of=early.isoformat()))


@pytest.fixture(scope="module")
def scorer(trained, models):
    run = score(trained.log, models, None, NOW)
    return Scorer(models, trained.settings, RunContext.of(trained.log, run.info, run.scores))


@pytest.fixture(scope="module")
def lines(trained):
    return typed_lines_of(trained.orders, trained.settings.data)


def course_of(scorer, trained, lines):
    day, seen = scorer.seen(lines)
    return RiskCourse(scorer, trained.settings, seen, day)


def said_by_run(log, models, as_of):
    scores = score(log, replace(models, recommendation=None), as_of, NOW).scores
    return scores.set_index("customer_id")


@pytest.mark.parametrize("days_back", [0, 17, 45])
def test_each_morning_is_told_as_a_run_of_that_morning_would(
    trained, models, scorer, lines, days_back
):
    morning = trained.log.end - timedelta(days=days_back)
    run = said_by_run(trained.log, models, morning)
    compared = 0
    for customer, mine in lines.items():
        found = dict(course_of(scorer, trained, mine).alive())
        if morning.isoformat() in found:
            assert found[morning.isoformat()] == round(run.loc[customer, "p_alive"], 4)
            compared += 1
    assert compared > 20


def test_it_falls_in_silence_and_rises_at_an_order(trained, scorer, lines):
    rises = falls = 0
    for mine in lines.values():
        found = dict(course_of(scorer, trained, mine).alive())
        for at in {line.ordered_at.date() for line in mine}:
            before, after = (found.get((at + timedelta(days=n)).isoformat()) for n in (0, 1))
            if before is not None and after is not None:
                rises += after > before
                falls += after < before
    # the more often somebody orders, the more a silence would tell: near certainty it may fall
    assert rises > 10 * falls


def with_order(trained, customer, day):
    """The orders of the shop, and the customer's last one again on a day."""
    mine = trained.orders[trained.orders["customer"] == customer]
    last = mine[mine["order"] == mine.sort_values("time")["order"].iloc[-1]]
    moved = day - last["time"].iloc[0].date()
    again = last.assign(order="again", time=last["time"] + pd.Timedelta(days=moved.days))
    # another customer's order ends the log on the morning after
    other = trained.orders[trained.orders["customer"] != customer].tail(1)
    late = other.assign(
        order="late", time=pd.Timestamp(day) + pd.Timedelta(days=2, hours=9), customer="last"
    )
    return pd.concat([trained.orders, again, late], ignore_index=True)


def test_an_order_changes_what_it_would_in_a_run(trained, models, scorer, lines):
    told = [
        (customer, course_of(scorer, trained, mine).after_an_order())
        for customer, mine in lines.items()
    ]
    helped = [(one, after) for one, after in told if after and after.by]
    assert helped
    assert [after for _, after in told if after is None]
    for customer, after in helped[:3]:
        for day in (trained.log.end, date.fromisoformat(after.by)):
            orders = with_order(trained, customer, day)
            with read_orders(trained.settings, FrameSource(orders)) as log:
                said = said_by_run(log, models, day + timedelta(days=1)).loc[customer]
            assert said["retention_risk"] == "low"
            if day == trained.log.end:
                now = after.now
                assert now["churn_probability"] == round(said["churn_probability"], 4)
                assert now["retention_risk"] == said["retention_risk"]


def test_the_last_day_that_helps_is_the_last(trained, scorer, lines):
    for mine in lines.values():
        course = course_of(scorer, trained, mine)
        after = course.after_an_order()
        if after is None or after.by is None or after.by == after.ends:
            continue
        by = day_number(date.fromisoformat(after.by))
        assert list(course._after([by, by + 1])["retention_risk"] == "low") == [True, False]


def asked(run_id, *sent):
    lines = CustomerLines(customer_id="c0003", run_id=run_id, history=None, sent=sent)
    return CourseRequest(lines=lines)


def test_the_worker_is_asked_for_it(trained, scorer):
    run_id = scorer.run.run_id
    another = course_after(scorer, trained.settings, asked(run_id="another"))
    assert another == AnotherRun(run_id=run_id)
    assert course_after(scorer, trained.settings, asked(run_id)) == CourseAnswer(run_id=run_id)
    line = {"ordered_at": "2024-05-01T10:00:00", "product_id": "p001", "amount": 9.0}
    content = {**dict.fromkeys(("product_name", "category", "channel", "unit_price", "cost")),
               "quantity": 1.0, "discount": 0.0, "currency": None, **line}  # fmt: skip
    sent = asked(run_id, ("o1", json.dumps(content)))
    answer = course_after(scorer, trained.settings, sent)
    assert answer.alive[0][0] == "2024-05-02"
    assert answer.alive[-1][0] == trained.log.end.isoformat()
    assert answer.order.amount == 9.0
    through_the_pipe = json.loads(json.dumps(answer_message(answer)))
    assert course_answer(through_the_pipe).order == answer.order
    assert request_in(json.loads(json.dumps(message_of(sent)))) == sent


def test_where_orders_alone_do_not_tell_nothing_is_told(trained, models, scorer):
    columns = (*models.manifest.columns, "visits_30d")
    wider = replace(models, manifest=replace(models.manifest, columns=columns))
    wide_scorer = Scorer(wider, trained.settings, scorer._context)
    answer = course_after(wide_scorer, trained.settings, asked(scorer.run.run_id))
    assert answer.alive is None
