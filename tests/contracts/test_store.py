"""What every store must do, checked on each."""

import json
import unicodedata
from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.errors import ConfigError, DataError
from serving.errors import NoRun, StoreBusy, StoreError, UnknownCustomer
from serving.store.protocol import SORT_KEYS, After, ChurnFilter
from serving.store.run import RHYTHM_RANKS
from tests.support.scores import run_info, score_tables

HOSTILE_IDS = (
    "007",
    "7",
    "07",
    unicodedata.normalize("NFC", "Zoë"),
    unicodedata.normalize("NFD", "Zoë"),
    "张伟",
    "עברית",
    "\u202eabc",
    "👩‍👩‍👧",
    "a/b",
    "a/recommendations",
    "a%2Fb",
    " padded ",
    "<script>alert(1)</script>",
    "'; DROP TABLE scores; --",
    '"quoted"',
    "=1+1",
    "a\nb",
    "A",
    "a",
    "..",
)


@pytest.fixture
def store(stores):
    return stores.scores


@pytest.fixture
def published(store):
    scores, recommendations = score_tables(120)
    store.publish(run_info(), scores, recommendations)
    return store


def walk(store, wanted, *, sort, limit):
    """Every document of a list, read page by page."""
    documents, after = [], None
    while True:
        page = store.churn_list(wanted, sort=sort, limit=limit, after=after)
        documents += map(json.loads, page.documents)
        assert len(page.documents) <= limit
        if page.after is None:
            return documents, page.totals
        after = page.after


def test_lifetime_values_are_read_out_of_the_documents(published):
    read = dict(published.lifetimes("run-1"))
    scores, _ = score_tables(120)
    expected = scores.set_index("customer_id")["clv_lifetime"]
    assert set(read) == set(expected.index)
    assert np.allclose(
        [read[name] for name in expected.index], expected, atol=0.0051, equal_nan=True
    )
    with pytest.raises(ConfigError):
        list(published.lifetimes("nothing"))


def test_before_the_first_run_every_read_says_so(store):
    reads = (
        store.latest_run,
        lambda: store.customer("1"),
        lambda: store.customers(["1"]),
        lambda: store.recommendations("1"),
        lambda: store.churn_list(ChurnFilter(), sort="clv", limit=1),
    )
    for read in reads:
        with pytest.raises(NoRun):
            read()


def test_a_customer_reads_back_as_scored(published):
    scores, recommendations = score_tables(120)
    row = scores.iloc[7]
    found = published.customer(row["customer_id"])
    answer = json.loads(found.body)
    assert found.run_id == "run-1"
    assert answer["churn_probability"] == round(row["churn_probability"], 4)
    assert answer["clv"] == round(row["clv"], 2)
    assert answer["segments"]["rfm_group"] == row["rfm_group"]
    assert answer["next_order"]["date"] == row["next_order_date"].isoformat()
    mine = recommendations[recommendations["customer_id"] == row["customer_id"]]
    whole = json.loads(published.recommendations(row["customer_id"]).body)
    assert [product["product_id"] for product in whole] == mine["product_id"].tolist()
    assert answer["recommendations"] == whole[:5]


def test_unknown_customers_are_told_apart_from_those_without_products(store):
    scores, recommendations = score_tables(3)
    store.publish(run_info(), scores, recommendations.iloc[:0])
    assert store.recommendations(scores["customer_id"][0]).body == b"[]"
    for read in (store.customer, store.recommendations):
        with pytest.raises(UnknownCustomer):
            read("nobody")


def test_many_ids_come_back_in_order_with_gaps_and_repeats(published):
    ids = ["012007", "nobody", "012000", "012007"]
    run, documents = published.customers(ids)
    assert run.info.run_id == "run-1"
    found = [None if text is None else json.loads(text)["customer_id"] for text in documents]
    assert found == ["012007", None, "012000", "012007"]


def test_ids_of_every_script_stay_apart(store):
    scores, recommendations = score_tables(ids=HOSTILE_IDS)
    store.publish(run_info(), scores, recommendations)
    for customer_id in HOSTILE_IDS:
        assert json.loads(store.customer(customer_id).body)["customer_id"] == customer_id
    documents, totals = walk(store, ChurnFilter(), sort="clv", limit=4)
    assert sorted(answer["customer_id"] for answer in documents) == sorted(HOSTILE_IDS)
    assert totals.customers == len(HOSTILE_IDS)


@pytest.mark.parametrize("sort", SORT_KEYS)
@pytest.mark.parametrize("limit", [1, 7, 1_000])
def test_pages_of_any_size_make_the_sorted_list(published, sort, limit):
    documents, totals = walk(published, ChurnFilter(), sort=sort, limit=limit)
    ranks = {
        "rhythm": lambda answer: RHYTHM_RANKS[answer["rhythm"]],
        # the soonest first
        "next_order_date": lambda answer: (
            -date.fromisoformat(answer["next_order"]["date"]).toordinal()
        ),
    }
    rank = ranks.get(sort, lambda answer: answer[sort])
    places = [(rank(answer), answer["customer_id"]) for answer in documents]
    assert places == sorted(places, reverse=True)
    assert len(set(places)) == totals.customers == 120
    assert totals.value_at_risk == pytest.approx(
        sum(answer["value_at_risk"] for answer in documents)
    )


def test_ties_and_unknown_values_have_their_place(store):
    scores, recommendations = score_tables(6)
    scores["clv"] = [5.0, np.nan, 5.0, -1.0, np.nan, np.inf]
    store.publish(run_info(), scores, recommendations)
    documents, _ = walk(store, ChurnFilter(), sort="clv", limit=1)
    values = [(answer["clv"], answer["customer_id"]) for answer in documents]
    assert values == [
        (5.0, "012014"),
        (5.0, "012000"),
        (-1.0, "012021"),
        (None, "012035"),
        (None, "012028"),
        (None, "012007"),
    ]


@pytest.mark.parametrize(
    "wanted",
    [
        ChurnFilter(risk=("high", "critical")),
        ChurnFilter(status=("one_order",)),
        ChurnFilter(min_value_at_risk=40.0),
        ChurnFilter(rhythm=("overdue",)),
        ChurnFilter(due_until=date(2026, 3, 20)),
        ChurnFilter(due_from=date(2026, 3, 20)),
        ChurnFilter(due_from=date(2026, 3, 10), due_until=date(2026, 4, 10), risk=("high", "low")),
        ChurnFilter(due_from=date(2026, 4, 10), due_until=date(2026, 3, 10)),
        ChurnFilter(rhythm=("late", "on_time"), risk=("high",)),
        ChurnFilter(segments=(("rfm_group", "important_value"),)),
        ChurnFilter(risk=("low",), segments=(("abc", "C"), ("lifecycle", "growth"))),
        ChurnFilter(segments=(("rfm_group", "' OR 1=1 --"),)),
    ],
)
def test_a_filter_keeps_exactly_those_who_fit(published, wanted):
    documents, totals = walk(published, wanted, sort="value_at_risk", limit=10)
    everyone, _ = walk(published, ChurnFilter(), sort="value_at_risk", limit=1_000)
    expected = [
        answer
        for answer in everyone
        if (not wanted.risk or answer["retention_risk"] in wanted.risk)
        and (not wanted.status or answer["status"] in wanted.status)
        and (not wanted.rhythm or answer["rhythm"] in wanted.rhythm)
        and answer["value_at_risk"] >= (wanted.min_value_at_risk or 0)
        and answer["next_order"]["date"] >= str(wanted.due_from or "")
        and answer["next_order"]["date"] <= str(wanted.due_until or "9")
        and all(answer["segments"][system] == value for system, value in wanted.segments)
    ]
    assert documents == expected
    assert totals.customers == len(expected)


def test_of_values_of_one_system_any_will_do(published):
    sizes = published.latest_run().summary.segments["abc"]
    either = ChurnFilter(segments=(("abc", "A|B"),))
    found = published.churn_list(either, sort="clv", limit=1_000)
    assert found.totals.customers == len(found.documents) == sizes["A"] + sizes["B"]
    both = ChurnFilter(segments=(("abc", "A|B"), ("abc", "B|C")))
    assert published.churn_list(both, sort="clv", limit=1).totals.customers == sizes["B"]


def test_a_segment_system_that_is_not_there_is_refused(published):
    with pytest.raises(ConfigError, match="have: rfm_cell, rfm_group, abc, lifecycle"):
        published.churn_list(ChurnFilter(segments=(("x", "y"),)), sort="clv", limit=1)


def test_a_reader_of_pages_stays_in_his_run(published):
    first = published.churn_list(ChurnFilter(), sort="clv", limit=50)
    scores, recommendations = score_tables(10, seed=2)
    published.publish(run_info("run-2"), scores, recommendations)
    rest = published.churn_list(ChurnFilter(), sort="clv", limit=1_000, after=first.after)
    assert rest.run.info.run_id == "run-1"
    assert len(first.documents) + len(rest.documents) == 120
    assert published.latest_run().summary.total.customers == 10


def test_a_cursor_into_a_run_that_is_gone_is_refused(published):
    with pytest.raises(ConfigError, match="cursor"):
        published.churn_list(
            ChurnFilter(), sort="clv", limit=1, after=After("no such run", 1.0, "1")
        )


def test_the_latest_run_says_what_it_is(published):
    run = published.latest_run()
    assert run.info == run_info()
    scores, _ = score_tables(120)
    critical = scores[scores["retention_risk"] == "critical"]
    assert run.summary.total.customers == 120
    assert run.summary.by_risk["critical"].customers == len(critical)
    assert run.summary.by_risk["critical"].value_at_risk == pytest.approx(
        critical["value_at_risk"].round(2).sum()
    )
    assert sum(run.summary.segments["rfm_group"].values()) == 120
    assert "rfm_cell" not in run.summary.segments
    assert run.summary.money.write(-1234.5) == "−£1,234.50"


def test_the_figures_of_any_run_can_be_read_back(published):
    scores, recommendations = score_tables(10, seed=2)
    scores.loc[3, "clv"] = np.nan
    published.publish(run_info("run-2"), scores, recommendations)
    assert len(list(published.figures("run-1"))) == 120
    found = pd.DataFrame(published.figures("run-2"), columns=["id", "churn", "clv", "risk"])
    found = found.set_index("id").loc[scores["customer_id"]]
    np.testing.assert_array_equal(found["churn"], scores["churn_probability"].round(4))
    np.testing.assert_array_equal(found["clv"], scores["clv"].round(2))
    assert found["risk"].tolist() == scores["retention_risk"].tolist()
    with pytest.raises(ConfigError, match="run-3: no such run"):
        list(published.figures("run-3"))


def test_where_everybody_stood_in_a_system_can_be_read_back(published):
    scores, recommendations = score_tables(10, seed=2)
    scores["abc"] = [None, *scores["abc"][1:]]
    published.publish(run_info("run-2"), scores, recommendations)
    assert dict(published.segment("run-2", "abc")) == dict(
        zip(scores["customer_id"], [None, *scores["abc"][1:]], strict=True)
    )
    assert set(dict(published.segment("run-1", "odd")).values()) == {None}
    with pytest.raises(ConfigError, match="run-3: no such run"):
        list(published.segment("run-3", "abc"))


def test_a_run_is_published_once(published):
    with pytest.raises(StoreError, match="already"):
        published.publish(run_info(), *score_tables(3))
    assert published.latest_run().summary.total.customers == 120


def test_all_problems_of_the_tables_are_named_and_nothing_changes(published):
    scores, recommendations = score_tables(5)
    twice = pd.concat([scores, scores.head(2)])
    with pytest.raises(DataError, match="2 rows repeat") as error:
        published.publish(run_info("bad"), twice.assign(status="odd"), recommendations)
    assert "'status' holds other values" in str(error.value)
    with pytest.raises(DataError, match="no column 'clv'") as error:
        published.publish(run_info("bad"), scores.drop(columns=["clv", "rfm_cell"]), twice)
    assert "no column 'rfm_cell'" in str(error.value)
    assert "recommendations: no column 'rank'" in str(error.value)
    with pytest.raises(DataError, match="must be text"):
        published.publish(run_info("bad"), scores.assign(customer_id=range(5)), recommendations)
    with pytest.raises(DataError, match="without a score"):
        published.publish(run_info("bad"), scores.tail(4), recommendations)
    assert published.latest_run().info.run_id == "run-1"


def test_an_empty_run_can_be_published(store):
    scores, recommendations = score_tables(3)
    store.publish(run_info(), scores.iloc[:0], recommendations.iloc[:0].astype(object))
    page = store.churn_list(ChurnFilter(), sort="clv", limit=5)
    assert page.documents == []
    assert page.totals.customers == 0


def test_every_run_is_listed_in_the_order_of_publication(store):
    assert store.runs() == []
    for number in ("b", "a", "c"):
        store.publish(run_info(f"run-{number}"), *score_tables(3))
    assert [run.info.run_id for run in store.runs()] == ["run-b", "run-a", "run-c"]
    assert store.runs()[-1] == store.latest_run()


def test_an_id_with_a_nul_sign_is_a_stranger(published):
    for read in (published.customer, published.recommendations, published.history):
        with pytest.raises(UnknownCustomer):
            read("012000\0")
    assert published.customers(["012000\0", "\0"])[1] == [None, None]
    with pytest.raises(ConfigError, match="NUL"):
        published.churn_list(ChurnFilter(segments=(("abc", "A\0"),)), sort="clv", limit=1)
    with pytest.raises(DataError, match="NUL"):
        published.publish(run_info("run-2"), *score_tables(ids=["a\0"]))


def test_history_is_every_kept_run_the_latest_publication_first(published):
    published.publish(run_info("run-2"), *score_tables(2, seed=2))
    found = published.history("012000")
    assert [run.info.run_id for run, _ in found] == ["run-2", "run-1"]
    assert found[0][1] == published.customer("012000").body
    assert [run.info.run_id for run, _ in published.history("012014")] == ["run-1"]
    with pytest.raises(UnknownCustomer):
        published.history("nobody")


def test_only_a_file_is_read_at_once(published):
    """A database on the other side of a network is always waited for, never in an event loop."""
    first = published.customer("012000")
    if published.engine.dialect.name == "sqlite":
        assert published.customer("012000", at_once=True) == first
        products = published.recommendations("012000", at_once=True)
        assert products == published.recommendations("012000")
    else:
        for read in (published.customer, published.recommendations):
            with pytest.raises(StoreBusy):
                read("012000", at_once=True)


def test_who_has_no_date_stands_last_and_lies_in_no_span(store):
    scores, recommendations = score_tables(4)
    scores["next_order_date"] = [date(2026, 3, 9), None, date(2026, 3, 5), date(2026, 3, 7)]
    store.publish(run_info(), scores, recommendations)
    documents, _ = walk(store, ChurnFilter(), sort="next_order_date", limit=2)
    dates = [answer["next_order"]["date"] for answer in documents]
    assert dates == ["2026-03-05", "2026-03-07", "2026-03-09", None]
    for span, customers in (
        ({"due_from": date(2026, 3, 5)}, 3),
        ({"due_from": date(2026, 3, 6)}, 2),
        ({"due_until": date(2026, 3, 7)}, 2),
        ({"due_until": date(2026, 3, 6)}, 1),
        ({"due_from": date(2026, 3, 6), "due_until": date(2026, 3, 8)}, 1),
    ):
        documents, totals = walk(store, ChurnFilter(**span), sort="clv", limit=10)
        assert len(documents) == totals.customers == customers


def test_who_has_no_rhythm_stands_last_and_counts_as_none(store):
    scores, recommendations = score_tables(4)
    scores["rhythm"] = ["late", None, "overdue", "on_time"]
    store.publish(run_info(), scores, recommendations)
    documents, _ = walk(store, ChurnFilter(), sort="rhythm", limit=2)
    assert [answer["rhythm"] for answer in documents] == ["overdue", "late", "on_time", None]
    counts = store.facets.counts("run-1", ChurnFilter(rhythm=("late",)))
    assert counts.matching == 1
    assert counts.by_rhythm == {"late": 1, "overdue": 1, "on_time": 1}
