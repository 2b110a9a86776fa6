"""Rules of audiences, on every store: counted in bitmaps, listed by SQL, told one by one."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from features.errors import ConfigError
from serving.audiences.store import AudienceStore, SavedAudience
from serving.errors import AudienceConflict, UnknownAudience
from serving.privacy.store import Tombstone
from serving.scoring.contact_hash import contact_hash
from serving.store.facets import FacetStore
from serving.store.likely_buyers import items_of_customers
from serving.store.protocol import ChurnFilter
from serving.store.rule.fields import FIELDS, fields_of
from serving.store.rule.figures import figures_of, search_text
from serving.store.rule.text import rule_of_text, text_of_rule
from serving.store.rule.tree import (
    MOST_LEVELS,
    NotRule,
    RuleCondition,
    RuleGroup,
    levels_of,
    searches,
)
from serving.store.run import RHYTHM_RANKS
from serving.store.tables import current, run_facets, scores
from tests.contracts.test_live import keep, line, score_of
from tests.oracles.audience_rules import holds, value_of
from tests.support.scores import AS_OF, likely_buyers, run_info, score_tables

INFO = run_info(
    segment_columns=("rfm_group", "abc", "customer_country"), index_columns=("loyalty_index",)
)
NAMES = ("Ann Smith", "Åsa Nyström", "李 明", "Bob  O'Neil 50%_off", None)
MAILS = ("ann@example.org", "asa@example.se", None)
SOUGHT = ("smith", "ÅSA", "明", "0120", "50%_", "o'neil BOB", "ann@example.org", "nobody", "\\")


def publish(stores):
    """Everything that a rule may ask for, with gaps."""
    table, products = score_tables(90)
    table["name"] = pd.Series([NAMES[n % len(NAMES)] for n in range(90)], dtype=object)
    hashes = [mail and contact_hash(mail) for mail in MAILS]
    table["contact_hash"] = pd.Series([hashes[n % 3] for n in range(90)], dtype=object)
    table["consent"] = pd.array([True, False, None] * 30, dtype="boolean")
    table["customer_country"] = ["DE", "中国", None] * 30
    table["loyalty_index"] = np.where(np.arange(90) % 4, np.arange(90), np.nan)
    table.loc[5, ["value_at_risk", "expected_profit"]] = np.nan
    table.loc[9, ["retention_risk", "rhythm"]] = None
    table.loc[11, ["next_order_date", "at_risk_on"]] = None
    table = table.sample(frac=1, random_state=1, ignore_index=True)
    ids = sorted(table["customer_id"])
    buyers = (likely_buyers("product", "p1", ids[::3]), likely_buyers("category", "tea", ids[40:]))
    stores.scores.publish(INFO, table, products, buyers=buyers)
    return stores


def tell_newer(stores, customer_id):
    """As if an order had been sent and scored: the customer spends more, and is at low risk."""
    keep(stores, line(f"new {customer_id}", customer=customer_id))
    past = stores.live.past(customer_id)
    with stores.scores.engine.connect() as connection:
        row = connection.execute(select(scores).where(scores.c.customer_id == customer_id)).one()
    document = json.loads(row.document)
    document |= {"retention_risk": "low", "clv": 777.0, "rhythm": "on_time"}
    document["profile"] |= {"spend": 5_000.0, "last_order_date": AS_OF.isoformat()}
    score = score_of(past, risk="low")
    fields = ("status", "value_at_risk", "churn_probability", "expected_profit", "contact_hash")
    stores.live.save(
        past,
        score._replace(
            **{name: getattr(row, name) for name in fields},
            clv=777.0,
            consent=row.consent,
            rhythm=RHYTHM_RANKS["on_time"],
            next_order_date=row.next_order_date,
            segments=json.dumps(row.segments),
            figures=json.dumps(figures_of(document)),
            search_text=search_text(customer_id, document["name"], row.contact_hash),
            document=json.dumps(document),
        ),
    )


def customers_of(stores):
    """Everybody as read now: document, items, hash of the address."""
    page = stores.scores.churn_list(ChurnFilter(), sort="clv", limit=1_000)
    documents = {(one := json.loads(text))["customer_id"]: one for text in page.documents}
    with stores.scores.engine.connect() as connection:
        items = items_of_customers(connection, connection.scalar(select(current.c.run_no)))
        hashes = dict(connection.execute(select(scores.c.customer_id, scores.c.contact_hash)).all())
    return documents, items, hashes


def told(people, rule):
    documents, items, hashes = people
    return {
        one
        for one, document in documents.items()
        if holds(rule, document, as_of=AS_OF, items=items.get(one, ()), hashed=hashes[one])
    }


def listed(stores, rule, limit=1_000):
    """Who is listed, the customers that totals count, and those that facets do."""
    chosen = ChurnFilter(rule=rule)
    ids, page, after = set(), None, None
    while page is None or after:
        page = stores.scores.churn_list(chosen, sort="value_at_risk", limit=limit, after=after)
        ids |= {json.loads(text)["customer_id"] for text in page.documents}
        after = page.after
    return ids, page.totals.customers, stores.facets.counts("run-1", chosen).matching


def conditions(people):
    """Conditions on every field, with values that customers have and some that none has."""
    documents = list(people[0].values())

    def of_field(field):
        if field.kind == "search":
            texts = st.sampled_from(SOUGHT)
            return texts.map(lambda text: RuleCondition("search", "contains", (text,)))
        if field.kind == "item":
            keys = st.lists(
                st.sampled_from(["product:p1", "category:tea", "product:none"]), min_size=1
            )
            operators = st.sampled_from(["any_of", "none_of"])
            return st.builds(RuleCondition, st.just(field.name), operators, keys.map(tuple))
        values = sorted({value_of(field.name, one) for one in documents} - {None})
        texts = [value if isinstance(value, str) else f"{value:.15g}" for value in values]

        def condition(operator):
            if operator in {"known", "unknown"}:
                return st.just(RuleCondition(field.name, operator))
            if operator.endswith("_days"):
                days = st.integers(1, 900).map(lambda n: (str(n),))
                return days.map(lambda one: RuleCondition(field.name, operator, one))
            if operator == "between":
                places = st.tuples(*[st.integers(0, len(texts) - 1)] * 2).map(sorted)
                return places.map(
                    lambda ends: RuleCondition(field.name, operator, tuple(texts[n] for n in ends))
                )
            strange = [] if field.choices or field.kind != "choice" else ["nothing"]
            most = 3 if operator in {"any_of", "none_of"} else 1
            chosen = st.lists(st.sampled_from([*texts, *strange]), min_size=1, max_size=most)
            return chosen.map(lambda some: RuleCondition(field.name, operator, tuple(some)))

        return st.sampled_from(field.operators).flatmap(condition)

    return st.sampled_from(fields_of(INFO)).flatmap(of_field)


def rules(people):
    return st.recursive(
        conditions(people),
        lambda parts: st.one_of(
            parts.map(NotRule),
            st.builds(
                RuleGroup,
                st.sampled_from(["all", "any"]),
                st.lists(parts, min_size=2, max_size=3).map(tuple),
            ),
        ),
        max_leaves=6,
    )


def test_a_rule_is_counted_and_listed_as_its_conditions_say(stores):
    publish(stores)
    before = customers_of(stores)
    for customer_id in sorted(before[0])[:3]:
        tell_newer(stores, customer_id)
    people = customers_of(stores)
    assert [people[0][one]["clv"] for one in sorted(people[0])[:3]] == [777.0] * 3
    outcomes = []

    @settings(
        max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    @given(rules(people))
    def check(rule):
        expected = told(people, rule)
        # pages short enough to be sought by their sort values, and the whole
        limit = 40 if len(expected) % 2 else 1_000
        assert listed(stores, rule, limit) == (expected, len(expected), len(expected))
        if levels_of(rule) <= MOST_LEVELS:
            assert rule_of_text(text_of_rule(rule)) == rule
        outcomes.append(len(expected))

    check()
    # neither nobody nor everybody alone
    assert sum(0 < number < 90 for number in outcomes) > 40


def test_every_operator_of_every_field_is_answered(stores):
    publish(stores)
    people = customers_of(stores)
    for field in fields_of(INFO):
        has_value = field.kind in {"item", "search"} or any(
            value_of(field.name, one) is not None for one in people[0].values()
        )
        assert has_value, field.name
    assert {field.name for field in fields_of(INFO)} > set(FIELDS)


def test_pages_of_a_rule_are_the_whole_in_order_and_campaigns_choose_from_the_same(stores):
    publish(stores)
    rule = rule_of_text("not rfm_group = general_value and spend >= 100 or search ~ smith")
    expected = told(customers_of(stores), rule)
    assert 10 < len(expected) < 80
    assert listed(stores, rule, limit=7)[0] == expected
    _, candidates, _ = stores.campaigns.candidates(ChurnFilter(rule=rule))
    assert set(candidates.customer_id) == expected


def test_facets_counted_anew_and_after_an_erasure_answer_rules_alike(stores):
    publish(stores)
    texts = ("spend >= 100 and search ~ smith", "loyalty_index between 10 and 50", "search ~ 0120")
    wanted = [rule_of_text(text) for text in texts]
    counted = [listed(stores, rule)[2] for rule in wanted]
    with stores.scores.engine.begin() as connection:
        connection.execute(delete(run_facets))
    again = FacetStore(stores.scores.engine)
    assert [again.counts("run-1", ChurnFilter(rule=rule)).matching for rule in wanted] == counted
    gone = min(told(customers_of(stores), wanted[0]))
    tombstone = Tombstone(digest="d", key_id="k", erased_at=INFO.created_at)
    stores.erasures.erase({gone: tombstone})
    people = customers_of(stores)
    for rule in wanted:
        ids, *numbers = listed(stores, rule)
        assert ids == told(people, rule)
        assert gone not in ids
        assert numbers == [len(ids)] * 2
    with stores.scores.engine.connect() as connection:
        assert all(gone not in text for text in connection.scalars(select(scores.c.search_text)))


def test_what_a_filter_says_is_the_same_as_a_rule(stores):
    publish(stores)
    chosen = ChurnFilter(
        risk=("high", "critical"),
        segments=(("abc", "A|B"),),
        min_value_at_risk=5.0,
        due_from=AS_OF,
        due_until=AS_OF + timedelta(days=60),
        consent=("yes", "unknown"),
    )
    first = stores.scores.churn_list(chosen, sort="clv", limit=100)
    second = stores.scores.churn_list(ChurnFilter(rule=chosen.as_rule()), sort="clv", limit=100)
    assert first == second
    assert first.documents
    text = text_of_rule(chosen.as_rule())
    assert rule_of_text(text) == chosen.as_rule()
    assert not searches(chosen.as_rule())


NOW = datetime(2026, 3, 4, tzinfo=UTC)
SAVED = SavedAudience(
    audience_id="a-1",
    name="Best, fading",
    rule=rule_of_text("abc = A and risk = high"),
    note="",
    created_at=NOW,
    created_by="k-1",
    changed_at=NOW,
    changed_by="k-1",
)


def test_audiences_are_kept_named_once_and_found_by_name_or_id(stores):
    kept = AudienceStore(stores.scores.engine)
    kept.add(SAVED)
    assert kept.all() == [kept.audience("a-1")] == [SAVED]
    assert kept.called("a-1") == kept.called("  best,  FADING ") == SAVED
    with pytest.raises(AudienceConflict):
        kept.add(replace(SAVED, audience_id="a-2", name="BEST, fading"))
    kept.add(replace(SAVED, audience_id="a-2", name="All"))
    with pytest.raises(AudienceConflict):
        kept.change(replace(SAVED, name="all"))
    kept.change(replace(SAVED, name="Best ones", note="for spring"))
    assert [one.name for one in kept.all()] == ["All", "Best ones"]
    kept.remove("a-2")
    for unknown in ("a-2", "\0"):
        with pytest.raises(UnknownAudience):
            kept.remove(unknown)
        with pytest.raises(ConfigError, match="Best ones"):
            kept.called(unknown)
