"""Lines that were sent: kept once, told once, seen before the run's own words."""

import itertools
import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from serving.errors import KeyReused, NoRun, ScorePending, UnknownCustomer
from serving.live.lines import Handover, IncomingLine, LiveLine, RequestKey
from serving.live.tables import OF_SCORES, live_scores
from serving.privacy.erasure import CustomerFiles, Erased, erase
from serving.store.protocol import ChurnFilter
from serving.store.run import ScoreRow
from tests.support.scores import run_info, score_tables

AT = datetime(2026, 3, 4, tzinfo=UTC)
NOBODY = frozenset()
EVERYBODY = ChurnFilter()


def line(order="o1", number=1, customer="a", **content) -> LiveLine:
    values = {
        "ordered_at": "2026-03-04T10:00:00",
        "product_id": "p1",
        "category": None,
        "quantity": 2.0,
        "amount": 5.0,
        "unit_price": None,
        **content,
    }
    return LiveLine(order_id=order, line=number, customer_id=customer, content=json.dumps(values))


def keep(stores, *lines, corrects=False, at=AT, **more):
    sent = [IncomingLine(one, corrects) for one in lines]
    verdicts = stores.live.accept(sent, at=at, erased=lambda _: NOBODY, **more)
    return [(one.outcome, one.reason) for one in verdicts]


def score_of(past, *, churn=0.9, risk="critical", name="live", **changes) -> ScoreRow:
    document = {"customer_id": past.customer_id, "said_by": name, "churn_probability": churn}
    values = {
        "customer_id": past.customer_id,
        "status": "scored",
        "retention_risk": risk,
        "value_at_risk": 1e6,
        "churn_probability": churn,
        "clv": 100.0,
        "expected_profit": 1.0,
        "rhythm": 2.0,
        "next_order_date": -739_000.0,
        "consent": None,
        "contact_hash": None,
        "figures": "{}",
        "search_text": past.customer_id,
        "segments": json.dumps(dict(past.segments)),
        "document": json.dumps(document),
        "products": "[]",
    }
    return ScoreRow(**{**values, **changes})


def ids(page) -> list[str]:
    return [json.loads(document)["customer_id"] for document in page.documents]


def listed(stores, wanted=EVERYBODY, limit=100):
    return stores.scores.churn_list(wanted, sort="value_at_risk", limit=limit)


@pytest.fixture
def shop(stores):
    stores.scores.publish(run_info(), *score_tables(ids=["a", "b", "c"]))
    return stores


def test_a_line_counts_once(stores):
    assert keep(stores, line(), line(number=2)) == [("accepted", None)] * 2
    assert keep(stores, line(), line(number=3)) == [("known", None), ("accepted", None)]
    assert [one.place for one in stores.live.lines()] == [("o1", 1), ("o1", 2), ("o1", 3)]
    assert stores.live.counts().lines == 3


def test_the_same_line_twice_in_one_request(stores):
    found = keep(stores, line(), line(), line(amount=6.0))
    assert found == [("accepted", None), ("known", None), ("refused", "differs")]
    assert stores.live.counts().lines == 1


def test_a_line_changes_only_where_it_says_so(stores):
    keep(stores, line(), line(number=2))
    assert keep(stores, line(amount=7.0)) == [("refused", "differs")]
    assert keep(stores, line(customer="b"), corrects=True) == [("refused", "other_customer")]
    before = {one.place: one for one in stores.live.lines()}
    assert json.loads(before["o1", 1].content)["amount"] == 5.0
    assert keep(stores, line(amount=7.0), corrects=True) == [("corrected", None)]
    after = {one.place: one for one in stores.live.lines()}
    assert json.loads(after["o1", 1].content)["amount"] == 7.0
    assert after["o1", 1].change_no > before["o1", 2].change_no


def test_what_became_of_an_order_is_a_correction(stores):
    keep(stores, line())
    assert keep(stores, line(status="cancelled")) == [("corrected", None)]
    assert keep(stores, line(status="cancelled")) == [("known", None)]
    assert keep(stores, line(refunded=2.0)) == [("corrected", None)]
    assert keep(stores, line(refunded=2.0, amount=7.0)) == [("refused", "differs")]
    # the first message once more
    assert keep(stores, line()) == [("known", None)]
    assert keep(stores, line(status="void", status_at="2026-03-03T08:00:00")) == [
        ("corrected", None)
    ]
    assert keep(stores, line(status="paid", status_at="2026-03-02T08:00:00")) == [("known", None)]
    assert keep(stores, line(refunded=2.0), corrects=True) == [("corrected", None)]
    (kept,) = stores.live.lines()
    assert json.loads(kept.content) == {**json.loads(line().content), "refunded": 2.0}


def test_many_lines_in_one_request(stores):
    lines = [line(f"o{n // 2}", n % 2, f"c{n % 300}") for n in range(1_500)]
    assert keep(stores, *lines) == [("accepted", None)] * 1_500
    assert keep(stores, *lines) == [("known", None)] * 1_500
    assert stores.live.waiting({f"c{n}" for n in range(300)}) == {f"c{n}" for n in range(300)}


def test_a_request_with_a_key_is_done_once(stores):
    key = RequestKey(digest="k", body_digest="b", expires_at=AT + timedelta(hours=1))
    assert keep(stores, line(), key=key) == [("accepted", None)]
    assert keep(stores, line(), key=key) == [("accepted", None)]
    assert keep(stores, line()) == [("known", None)]
    with pytest.raises(KeyReused):
        keep(stores, line(number=2), key=replace(key, body_digest="other"))
    assert stores.live.counts().lines == 1
    later = AT + timedelta(hours=2)
    new = replace(key, body_digest="other", expires_at=later)
    assert keep(stores, line(number=2), key=new, at=later) == [("accepted", None)]


def test_without_a_run_lines_are_kept_and_wait(stores):
    keep(stores, line())
    assert stores.live.waiting(["a", "b"]) == {"a"}
    with pytest.raises(NoRun):
        stores.live.past("a")


def test_the_past_of_a_customer_is_all_that_a_score_needs(shop):
    shop.scores.publish(run_info("run-2", as_of=date(2026, 3, 2)), *score_tables(ids=["a", "c"]))
    keep(shop, line(), line("o2", customer="new"))
    past = shop.live.past("a")
    assert past.run_id == "run-2"
    assert [one.order_id for one in past.lines] == ["o1"]
    assert [one.run.run_id for one in past.earlier] == ["run-2", "run-1"]
    assert json.loads(past.document)["segments"] == past.segments
    assert past.earlier[0].churn_probability == json.loads(past.document)["churn_probability"]
    new = shop.live.past("new")
    assert (new.document, new.history, set(new.segments.values())) == (None, None, {None})
    assert [one.clv for one in new.earlier] == [None, None]
    assert shop.live.past("b") is None
    unasked = shop.live.past("b", waiting=False)
    assert (unasked.change_no, unasked.lines, unasked.run_id) == (0, (), "run-2")


def test_readers_see_the_score_of_an_order_until_the_next_run(shop):
    before = shop.scores.customer("a")
    assert (before.live_no, before.is_pending) == (0, False)
    keep(shop, line())
    pending = shop.scores.customer("a")
    assert (pending.body, pending.is_pending) == (before.body, True)
    past = shop.live.past("a")
    assert shop.live.save(past, score_of(past)) is True
    assert shop.live.save(past, score_of(past)) is False
    seen = shop.scores.customer("a")
    assert (json.loads(seen.body)["said_by"], seen.is_pending) == ("live", False)
    assert seen.live_no == past.change_no
    assert shop.scores.recommendations("a").body == b"[]"
    assert shop.scores.customers(["b", "a"])[1][1] == seen.body
    assert shop.live.waiting(["a"]) == set()
    handover = Handover(histories=[("a", '{"fields":[],"lines":[]}')], seen_no=1, absorbed=[])
    shop.scores.publish(run_info("run-2"), *score_tables(ids=["a", "b"]), handover=handover)
    assert "said_by" not in json.loads(shop.scores.customer("a").body)
    assert shop.scores.customer("a").is_pending is False
    assert shop.live.counts().lines == 1


def test_a_new_customer_is_pending_then_there(shop):
    keep(shop, line(customer="new"))
    with pytest.raises(ScorePending):
        shop.scores.customer("new")
    assert shop.scores.customers(["new"])[1] == [None]
    past = shop.live.past("new")
    shop.live.save(past, score_of(past))
    assert json.loads(shop.scores.customer("new").body)["said_by"] == "live"
    assert "new" in ids(listed(shop))


def test_who_has_no_purchase_any_more_is_unknown(shop):
    keep(shop, line())
    shop.live.save(shop.live.past("a"), None)
    with pytest.raises(UnknownCustomer):
        shop.scores.customer("a")
    assert sorted(ids(listed(shop))) == ["b", "c"]
    assert listed(shop).totals.customers == 2


def test_lists_and_totals_have_the_new_words(shop):
    whole = listed(shop)
    keep(shop, line(), line("o2", customer="new"))
    for customer in ("a", "new"):
        past = shop.live.past(customer)
        shop.live.save(past, score_of(past, value_at_risk=1e6 if customer == "a" else 2e6))
    page = listed(shop)
    assert ids(page)[:2] == ["new", "a"]
    assert len(page.documents) == page.totals.customers == whole.totals.customers + 1
    said = {json.loads(one)["customer_id"]: json.loads(one) for one in whole.documents}
    kept = sum(said[name]["value_at_risk"] for name in ("b", "c"))
    assert page.totals.value_at_risk == pytest.approx(kept + 3e6, abs=0.01)
    critical = listed(shop, ChurnFilter(risk=("critical",)))
    assert {"a", "new"} <= set(ids(critical))
    assert critical.totals.customers == len(critical.documents)
    first = shop.scores.churn_list(EVERYBODY, sort="value_at_risk", limit=1)
    second = shop.scores.churn_list(EVERYBODY, sort="value_at_risk", limit=9, after=first.after)
    assert ids(first) + ids(second) == ids(page)


def test_a_score_of_less_does_not_replace_one_of_more(shop):
    keep(shop, line())
    early = shop.live.past("a")
    keep(shop, line(number=2))
    late = shop.live.past("a")
    assert shop.live.save(late, score_of(late, name="late"))
    assert not shop.live.save(early, score_of(early, name="early"))
    assert json.loads(shop.scores.customer("a").body)["said_by"] == "late"


def test_a_past_says_whether_its_score_is_missing(shop):
    keep(shop, line())
    past = shop.live.past("a")
    assert past.is_waiting
    assert shop.live.save(past, score_of(past))
    assert not shop.live.past("a").is_waiting
    assert not shop.live.past("b", waiting=False).is_waiting
    shop.scores.publish(run_info("run-2"), *score_tables(ids=["a"]))
    assert shop.live.past("a").is_waiting


def test_orders_from_many_at_once_are_all_kept_and_numbered(shop):
    with ThreadPoolExecutor(8) as pool:
        sent = [line(order=f"o{number}", customer="abc"[number % 3]) for number in range(48)]
        assert set(pool.map(lambda one: keep(shop, one)[0][0], sent)) == {"accepted"}
    numbers = [one.change_no for one in shop.live.lines()]
    assert len(set(numbers)) == 48
    assert shop.live.past("a").change_no in numbers


def test_a_score_beyond_an_old_run_is_not_news(shop):
    keep(shop, line())
    past = shop.live.past("a")
    shop.scores.publish(run_info("run-2"), *score_tables(ids=["a"]))
    assert not shop.live.save(past, score_of(past))
    assert shop.scores.customer("a").is_pending is True
    assert shop.live.overdue(before=AT + timedelta(seconds=1), limit=10) == ["a"]
    assert shop.live.overdue(before=AT, limit=10) == []


def test_a_run_takes_over_what_it_has_seen(shop):
    keep(shop, line(), line("o2", customer="b"))
    seen = max(one.change_no for one in shop.live.lines())
    keep(shop, line("o3", customer="c"))
    handover = Handover(
        histories=[("a", "{}"), ("b", "{}")], seen_no=seen, absorbed=[("o1", 1, seen)]
    )
    shop.scores.publish(run_info("run-2"), *score_tables(ids=["a", "b", "c"]), handover=handover)
    assert [one.order_id for one in shop.live.lines()] == ["o2", "o3"]
    assert shop.live.waiting(["a", "b", "c"]) == {"c"}
    assert shop.live.past("c").history is None


def test_a_line_corrected_after_the_run_read_it_stays(shop):
    keep(shop, line())
    (read,) = shop.live.lines()
    keep(shop, line(amount=9.0), corrects=True)
    handover = Handover(histories=[], seen_no=read.change_no, absorbed=[("o1", 1, read.change_no)])
    shop.scores.publish(run_info("run-2"), *score_tables(ids=["a"]), handover=handover)
    assert [json.loads(one.content)["amount"] for one in shop.live.lines()] == [9.0]
    assert shop.live.waiting(["a"]) == {"a"}


def test_the_feed_tells_who_moved(shop):
    since = shop.feed.end()
    before = json.loads(shop.scores.customer("a").body)
    keep(shop, line(), line("o2", customer="new"), line("o3", customer="b"))
    far = 0.99 if before["churn_probability"] < 0.5 else 0.01
    for name in ("a", "new"):
        past = shop.live.past(name)
        shop.live.save(past, score_of(past, churn=far, risk="critical" if far > 0.5 else "low"))
    shop.live.save(shop.live.past("b"), None)
    told = shop.feed.changes(since, 10).changes
    assert [(one.kind, one.customer_id) for one in told] == [
        ("changed", "a"),
        ("new", "new"),
        ("removed", "b"),
    ]
    assert told[0].before.churn_probability == before["churn_probability"]
    assert told[0].after.churn_probability == far
    keep(shop, line("o4"))
    past = shop.live.past("a")
    shop.live.save(past, score_of(past, churn=far, risk=told[0].after.retention_risk))
    assert shop.feed.end() == since + 3


def test_a_run_goes_on_from_what_was_told_between(shop):
    keep(shop, line(customer="new"))
    past = shop.live.past("new")
    shop.live.save(past, score_of(past))
    since = shop.feed.end()
    shop.scores.publish(run_info("run-2"), *score_tables(ids=["a", "b", "c"]))
    told = [(one.kind, one.customer_id) for one in shop.feed.changes(since, 10).changes]
    assert ("removed", "new") in told


def test_who_is_erased_stays_away(shop, tmp_path):
    files = CustomerFiles(key=tmp_path / "erasure.key", derived=())
    keep(shop, line(), line("o2", customer="b"))
    past = shop.live.past("a")
    handover = Handover(histories=[("a", "{}"), ("b", "{}")], seen_no=0, absorbed=[])
    shop.scores.publish(run_info("run-2"), *score_tables(ids=["a", "b"]), handover=handover)
    proof = erase(["a"], shop.erasures, files, AT)
    names = ("live_lines", "live_scores", "customer_histories")
    assert [proof.rows[name] for name in names] == [1, 1, 1]
    assert not shop.live.save(past, score_of(past))
    who = Erased(shop.erasures, files).among
    verdicts = shop.live.accept([IncomingLine(line()), IncomingLine(line("o9"))], at=AT, erased=who)
    assert [tuple(one) for one in verdicts] == [("refused", "erased")] * 2
    assert [one.customer_id for one in shop.live.lines()] == ["b"]
    assert shop.live.history("a") == []


def test_a_customers_orders_are_those_of_files_and_those_sent(shop):
    fields = ["ordered_at", "order_id", "product_id", "amount", "is_put_aside"]
    noon = 1_772_366_400_000_000
    rows = [
        [noon, "f1", "p1", 150, False],
        [noon, "f1", "p2", 250, False],
        [noon + 86_400_000_000, "f2", "p9", 100, True],
    ]
    text = json.dumps({"fields": fields, "lines": rows})
    handover = Handover(histories=[("a", text)], seen_no=0, absorbed=[])
    shop.scores.publish(run_info("run-2"), *score_tables(ids=["a"]), handover=handover)
    keep(shop, line("f1", 9), line("o1", unit_price=1.5, amount=None), line("o1", 2, amount=None))
    orders = shop.live.history("a")
    assert [(one.order_id, one.day, one.amount, one.is_live) for one in orders] == [
        ("o1", date(2026, 3, 4), None, True),
        ("f1", date(2026, 3, 1), 4.0, False),
    ]
    assert [one.product_id for one in orders[1].lines] == ["p1", "p2"]
    assert [one.amount for one in orders[0].lines] == [3.0, None]
    assert shop.live.history("nobody") == []


@pytest.mark.parametrize("stores", ["sqlite", "postgres"], indirect=True)
def test_orders_scores_and_runs_at_the_same_time_do_not_stop_one_another(shop):
    ids = [f"k{number}" for number in range(12)]
    runs = [f"run-{number}" for number in range(2, 10)]
    is_over, is_saving = threading.Event(), threading.Event()

    def order(part):
        numbers = itertools.count()
        while not is_over.is_set():
            order = f"{part}-{next(numbers)}"
            # each begins elsewhere
            turn = ids[part:] + ids[:part]
            keep(shop, *(line(order, place, one) for place, one in enumerate(turn)))
            keep(shop, *(line("same", 1, one, amount=number()) for one in ids[:1]), corrects=True)
            for one in turn[:3]:
                if (past := shop.live.past(one)) is not None:
                    is_saving.set()
                    shop.live.save(past, score_of(past, churn=number()))

    def histories():
        # in the middle of the publication a score begins to be written
        is_saving.clear()
        is_saving.wait(0.2)
        yield ids[0], "{}"

    number = random.Random(3).random  # noqa: S311
    with ThreadPoolExecutor(3) as pool:
        orders = [pool.submit(order, part) for part in (0, 4, 8)]
        for seed, run_id in enumerate(runs):
            lines = list(shop.live.lines())
            absorbed = [(*one.place, one.change_no) for one in reversed(lines)]
            # whatever has come meanwhile counts as seen, so that the run touches every row
            handover = Handover(histories=histories(), seen_no=10**9, absorbed=absorbed)
            tables = score_tables(ids=ids, seed=seed)
            shop.scores.publish(run_info(run_id), *tables, handover=handover)
        is_over.set()
        for one in orders:
            one.result()
    assert shop.scores.latest_run().info.run_id == runs[-1]


def test_orders_of_nobody_known_are_kept(shop):
    assert keep(shop, line(customer=None)) == [("accepted", None)]
    assert [one.customer_id for one in shop.live.lines()] == [None]
    assert shop.live.counts().waiting == 0


def test_what_lists_filter_and_sort_by_stands_in_both_tables():
    fields = set(ScoreRow._fields)
    assert set(OF_SCORES) | {"customer_id", "products"} == fields
    assert fields <= set(live_scores.columns.keys())
