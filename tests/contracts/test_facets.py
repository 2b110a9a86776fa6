"""Live counts of filters, on every store, against counting the rows one by one."""

import json
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import delete, event

from features.errors import ConfigError
from serving.privacy.store import Tombstone
from serving.store.facets import FacetStore
from serving.store.protocol import ChurnFilter
from serving.store.run import RISKS
from serving.store.tables import run_facets
from tests.contracts.test_live import keep, line, score_of
from tests.serving.conftest import client_of
from tests.support.scores import likely_buyers, run_info, score_tables

pytestmark = pytest.mark.slow

FILTERS = (
    ChurnFilter(),
    ChurnFilter(risk=("high",)),
    ChurnFilter(risk=("high", "critical"), status=("scored",)),
    ChurnFilter(segments=(("abc", "A"), ("lifecycle", "stable"))),
    ChurnFilter(segments=(("rfm_cell", "555|111|345"),)),
    ChurnFilter(consent=("yes", "unknown"), min_value_at_risk=20.0),
    ChurnFilter(min_value_at_risk=0.0),
    ChurnFilter(min_value_at_risk=-5.0),
    ChurnFilter(min_value_at_risk=1e9),
    ChurnFilter(consent=("no",), risk=("low",), segments=(("abc", "nothing"),)),
    ChurnFilter(will_buy=("product:p1",)),
    ChurnFilter(will_buy=("product:p1", "category:tea"), risk=("high", "low")),
)


@pytest.fixture
def published(stores):
    return publish(stores)


def publish(stores):
    scores, recommendations = score_tables(90)
    scores["consent"] = pd.array([True, False, None] * 30, dtype="boolean")
    scores.loc[5, "value_at_risk"] = np.nan
    scores.loc[7, "value_at_risk"] = 20.0
    scores.loc[9, "retention_risk"] = None
    ids = scores["customer_id"].tolist()
    buyers = (
        likely_buyers("product", "p1", ids[::3]),
        likely_buyers("category", "tea", ids[40:70]),
    )
    stores.scores.publish(run_info(), scores, recommendations, buyers=buyers)
    return stores


def listed(stores, wanted):
    page = stores.scores.churn_list(wanted, sort="expected_profit", limit=100)
    return page.totals.customers, len(page.documents)


def test_counts_are_those_of_the_list_with_that_choice(published):
    for wanted in FILTERS:
        counts = published.facets.counts("run-1", wanted)
        assert listed(published, wanted) == (counts.matching, counts.matching)
        for band, customers in counts.by_risk.items():
            assert published_with(published, wanted, risk=(band,)) == customers
        for status, customers in counts.by_status.items():
            assert published_with(published, wanted, status=(status,)) == customers
        for consent, customers in counts.by_consent.items():
            assert published_with(published, wanted, consent=(consent,)) == customers
        others = tuple(pair for pair in wanted.segments if pair[0] != "abc")
        for value, customers in counts.by_segment["abc"].items():
            pairs = (*others, ("abc", value))
            assert published_with(published, wanted, segments=pairs) == customers


def published_with(stores, wanted, **part):
    return listed(stores, replace(wanted, **part))[0]


def test_a_system_of_many_values_is_no_choice_but_filters(published):
    counts = published.facets.counts("run-1", ChurnFilter())
    cells = Counter(score_tables(90)[0]["rfm_cell"])
    assert len(cells) > 60
    assert set(counts.by_segment) == {"rfm_group", "abc", "lifecycle"}


def test_likely_categories_are_a_choice_however_many(stores):
    scores, recommendations = score_tables(90)
    scores["likely_category"] = [f"category {n}" for n in range(80)] + ["category 1"] * 10
    info = run_info(segment_columns=("likely_category",))
    stores.scores.publish(info, scores, recommendations)
    found = stores.facets.counts("run-1", ChurnFilter()).by_segment["likely_category"]
    assert (len(found), found["category 1"], found["category 2"]) == (80, 11, 1)
    wanted = ChurnFilter(segments=(("likely_category", "category 1"),))
    assert listed(stores, wanted) == (11, 11)


@pytest.mark.parametrize("sort", ["value_at_risk", "expected_profit", "churn_probability", "clv"])
def test_a_filtered_list_read_page_by_page_is_the_whole_in_its_order(stores, sort):
    scores, recommendations = score_tables(90)
    scores["consent"] = pd.array([True, False, None] * 30, dtype="boolean")
    scores.loc[::7, sort] = 0.5
    scores.loc[::11, sort] = np.nan
    scores["clv"] -= 60.0
    stores.scores.publish(run_info(), scores, recommendations)
    for wanted in (FILTERS[1], FILTERS[5], ChurnFilter(status=("scored",))):
        whole = stores.scores.churn_list(wanted, sort=sort, limit=1_000).documents
        after, seen = None, []
        while True:
            page = stores.scores.churn_list(wanted, sort=sort, limit=4, after=after)
            seen += page.documents
            if (after := page.after) is None:
                break
        assert len(seen) == page.totals.customers > 4
        assert seen == whole


def test_counts_are_kept_and_counted_alike(stores):
    published = publish(stores)
    scores = published.scores
    kept = [published.facets.counts("run-1", wanted) for wanted in FILTERS]
    with scores.engine.begin() as connection:
        connection.execute(delete(run_facets))
    again = FacetStore(scores.engine)
    assert [again.counts("run-1", wanted) for wanted in FILTERS] == kept


def test_an_erased_customer_is_counted_no_more(published):
    before = published.facets.counts("run-1", ChurnFilter()).matching
    tombstone = Tombstone(digest="d", key_id="k", erased_at=run_info().created_at)
    published.erasures.erase({"012007": tombstone})
    assert published.facets.counts("run-1", ChurnFilter()).matching == before - 1
    assert listed(published, ChurnFilter()) == (before - 1, before - 1)


def test_a_run_that_is_not_kept_has_no_counts(published):
    with pytest.raises(ConfigError, match="no such run"):
        published.facets.counts("run-9", ChurnFilter())


def test_a_short_list_is_read_page_by_page_in_its_order(stores):
    scores, recommendations = score_tables(90)
    scores["abc"] = ["B"] * 90
    scores.loc[[3, 40, 41, 80], "abc"] = "A"
    scores.loc[[40, 41], "clv"] = 12.0
    scores.loc[80, "clv"] = np.nan
    stores.scores.publish(run_info(), scores, recommendations)
    wanted, after, seen = ChurnFilter(segments=(("abc", "A"),)), None, []
    while True:
        page = stores.scores.churn_list(wanted, sort="clv", limit=1, after=after)
        seen += [json.loads(document)["customer_id"] for document in page.documents]
        if (after := page.after) is None:
            break
    chosen = scores.loc[[3, 40, 41, 80]].fillna({"clv": -np.inf})
    expected = chosen.sort_values(["clv", "customer_id"], ascending=False)["customer_id"]
    assert seen == expected.tolist()
    assert page.totals.customers == 4


def with_orders_since(stores, seed):
    """Some customers are scored anew, some have no purchase any more, one is new."""
    random = np.random.default_rng(seed)
    document = json.loads(stores.scores.churn_list(ChurnFilter(), sort="clv", limit=1).documents[0])
    some = [f"{12_000 + 7 * number:06d}" for number in random.choice(90, 20, replace=False)]
    for number, name in enumerate([*some, "someone new"]):
        keep(stores, line(f"o{number}", customer=name))
        past = stores.live.past(name)
        if number % 5 == 4 and name in some:
            stores.live.save(past, None)
            continue
        figures = {
            "risk": str(random.choice(["low", "medium", "high", "critical"])),
            "value_at_risk": float(np.round(random.gamma(2, 30), 2)),
            "clv": float(np.round(random.gamma(2, 30), 2)),
            "status": str(random.choice(["scored", "one_order"])),
            "document": json.dumps({**document, "customer_id": name}),
        }
        stores.live.save(past, score_of(past, **figures))


@pytest.mark.parametrize("seed", range(2))
def test_after_orders_that_were_sent_counts_are_those_of_the_lists(published, seed):
    with_orders_since(published, seed)
    for wanted in FILTERS:
        counts = published.facets.counts("run-1", wanted)
        totals = published.facets.current("run-1").totals(wanted)
        page = published.scores.churn_list(wanted, sort="clv", limit=200)
        assert counts.matching == totals.customers == page.totals.customers == len(page.documents)
        assert totals.value_at_risk == pytest.approx(page.totals.value_at_risk, abs=0.011)
        for band, customers in counts.by_risk.items():
            assert published_with(published, wanted, risk=(band,)) == customers
        for status, customers in counts.by_status.items():
            assert published_with(published, wanted, status=(status,)) == customers
        for rhythm, customers in counts.by_rhythm.items():
            assert published_with(published, wanted, rhythm=(rhythm,)) == customers


def test_bands_of_risk_add_up_to_all_customers(stores):
    stores.scores.publish(run_info(), *score_tables(90))
    with_orders_since(stores, seed=0)
    filters = [ChurnFilter(), *(ChurnFilter(risk=(risk,)) for risk in RISKS)]
    current = stores.facets.current("run-1")
    everybody, *bands = map(current.totals, filters)
    assert everybody.customers == sum(band.customers for band in bands) > 0
    assert everybody.value_at_risk == pytest.approx(sum(band.value_at_risk for band in bands))


@pytest.mark.parametrize("seed", range(2))
def test_after_orders_that_were_sent_groups_are_those_of_the_lists(published, seed):
    with_orders_since(published, seed)
    customers_in = published.segments.customers_in("run-1")
    for group in published.segments.groups("run-1"):
        if group.value is None:
            continue
        wanted = ChurnFilter(segments=((group.system, group.value),))
        page = published.scores.churn_list(wanted, sort="clv", limit=200)
        assert group.customers == page.totals.customers == len(page.documents)
        assert group.value_at_risk == pytest.approx(page.totals.value_at_risk, abs=0.011)
        assert customers_in((group.system, group.value)) == group.customers


def rows_behind(client, link):
    """How many customers the list says that a link leads to."""
    page = client.get(link.replace("&amp;", "&")).text
    (number,) = re.findall(r"<strong>([\d,]+) customers?</strong>", page) or ["0"]
    return int(number.replace(",", ""))


@pytest.mark.parametrize("seed", range(2))
def test_after_orders_that_were_sent_pages_say_what_their_lists_hold(published, seed):
    with_orders_since(published, seed)
    client = client_of(published)
    overview = client.get("/").text
    (everybody,) = re.findall(r'href="/churn-list">.*?class="big">([\d,]+)<', overview)
    assert int(everybody) == rows_behind(client, "/churn-list")
    by_risk = re.findall(
        r'href="(/churn-list\?risk=\w+)">([\d,]+)</a>',
        overview,
        re.DOTALL,
    )
    of_list = re.findall(
        r'card (?:low|medium|high|critical)" href="(/churn-list\?risk=\w+)".*?class="big">([\d,]+)<',
        client.get("/churn-list").text,
        re.DOTALL,
    )
    of_system = re.findall(
        r'href="(/churn-list\?segment=abc[^"]+)">([\d,]+)</a>',
        client.get("/segments/abc").text,
        re.DOTALL,
    )
    assert (len(by_risk), len(of_list), len(of_system)) == (4, 4, 3)
    for link, number in (*by_risk, *of_list, *of_system):
        assert rows_behind(client, link) == int(number.replace(",", "")), link


@pytest.mark.parametrize(("page", "most"), [("/", 1), ("/churn-list", 1), ("/segments", 2)])
def test_a_page_reads_few_times_what_orders_changed(published, page, most):
    """However many figures it shows: each read is of all customers who ordered since the run."""
    with_orders_since(published, 0)
    client = client_of(published)
    client.get(page)
    statements = []
    event.listen(
        published.scores.engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_: statements.append(statement),
    )
    assert client.get(page).status_code == 200
    newer = [text for text in statements if text.startswith("SELECT live_scores.retention_risk")]
    assert 0 < len(newer) <= most
