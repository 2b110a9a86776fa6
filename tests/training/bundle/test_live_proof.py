"""Made-up customers prove the live path, whatever the rules of a shop; none of them is real."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from features.engines.golden_lines import golden_data, golden_lines
from features.reading.judging import Judge
from features.reading.rules import rules_for
from features.reading.states import RETURN, STATES
from tests.support.shop import COLUMNS, shop_settings
from training.bundle.live_proof import LiveProof
from training.errors import BundleError

WITHOUT_ORDERS = {name: column for name, column in COLUMNS.items() if name != "order_id"}
STATE_COLUMNS = {
    "status": "state",
    "status_at": "state time",
    "document": "type",
    "refunded": "given back",
    "refunded_at": "back time",
}
SHOPS = {
    "plain": {},
    "prefix": {"rules": {"cancelled_order_prefix": "C", "ignore_products": ["POST", "it's {a}"]}},
    "late rows and currencies": {
        "columns": {**COLUMNS, "ingested_at": "came", "currency": "currency"},
        "currency": "JPY",
        "rules": {"duplicates": "keep"},
    },
    "days are orders": {
        "columns": WITHOUT_ORDERS,
        "currency": "KWD",
        "rules": {"product_code_case": "upper", "ignore_products": ["po st"]},
    },
    "states and refunds": {
        "columns": {**COLUMNS, "ingested_at": "came", **STATE_COLUMNS, "discount": "off"},
        "rules": {
            "status": {"purchase": ["Paid"], "none": ["on-hold"], "return": ["Sent_Back"]},
            "document": {"purchase": ["Invoice", ""], "none": ["Offer"], "return": ["Credit"]},
            "none_when_filled": ["void"],
            "order_level": ["off", "given back"],
            "discount": "to_take_off",
            "ignore_product_names": ["Gift-Wrap"],
        },
    },
    "papers without times": {
        "columns": {**COLUMNS, "document": "type"},
        "rules": {"document": {"purchase": ["sale"], "return": ["credit"]}},
    },
}


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    return LiveProof.made(shop_settings(tmp_path_factory.mktemp("shop")))


@pytest.mark.parametrize("shop", SHOPS)
def test_the_live_path_is_the_batch_for_every_shop(shop, tmp_path):
    made = LiveProof.made(shop_settings(tmp_path, data=SHOPS[shop]))
    assert made.problem() is None
    made.check()
    values = [value for row in made.features.values() for value in row.values()]
    assert len([value for value in values if value is not None]) > 400


def test_every_rule_puts_a_line_aside(tmp_path):
    came_up, codes = Counter(), set()
    for data in SHOPS.values():
        read_as = golden_data(shop_settings(tmp_path, data=data).data)
        codes |= {rule.code for rule in rules_for(read_as)}
        for lines in golden_lines(read_as).values():
            came_up.update(one.reason for one in Judge(read_as).judge(lines))
    # the lines of a customer come from one source
    assert set(came_up) == {None, *codes} - {"overlapping_files"}


def test_states_refunds_and_names_of_the_shop_are_in_the_lines(tmp_path):
    data = SHOPS["states and refunds"]
    read_as = golden_data(shop_settings(tmp_path, data=data).data)
    judged = [
        line for lines in golden_lines(read_as).values() for line in Judge(read_as).judge(lines)
    ]
    assert {line.line.verdict for line in judged} == {None, RETURN, *STATES}
    assert {"refunded", "not_a_product"} <= {line.reason for line in judged}
    assert any(line.reason is None and line.refunded for line in judged)
    # until the day of the refund all of it stood
    assert any(line.reason is None and line.gone_day for line in judged)
    plain = golden_data(shop_settings(tmp_path).data)
    lines = [line for lines in golden_lines(plain).values() for line in lines]
    assert {(line.verdict, line.refunded, line.changed_at) for line in lines} == {(None, 0, None)}


def test_it_is_the_same_every_time_and_after_it_was_written(proof, tmp_path):
    proof.save(tmp_path / "live")
    again = LiveProof.load(tmp_path / "live")
    assert (again.data, again.as_of, again.features) == (proof.data, proof.as_of, proof.features)
    assert {name: list(lines) for name, lines in again.lines.items()} == proof.lines
    assert again.problem() is None
    again.save(tmp_path / "again")
    texts = [(tmp_path / name / "golden_lines.json").read_text() for name in ("live", "again")]
    assert texts[0] == texts[1]


def test_it_holds_nothing_of_a_customer(tmp_path):
    rules = {"anonymous_customers": ["customer 4711"]}
    settings = shop_settings(tmp_path, data={"transactions": "orders/4711.csv", "rules": rules})
    LiveProof.made(settings).save(tmp_path / "live")
    assert "4711" not in (tmp_path / "live" / "golden_lines.json").read_text()


def test_a_difference_is_named(proof):
    customer, row = next(iter(proof.features.items()))
    changed = {**proof.features, customer: {**row, "orders": row["orders"] + 1, "new": 1.0}}
    problem = replace(proof, features=changed).problem()
    assert "orders (" in problem
    assert "new (nothing instead of 1)" in problem
    with pytest.raises(BundleError, match=r"orders \(.* Run `regulars train`"):
        replace(proof, features=changed).check()
    nobody = replace(proof, features={}).problem()
    assert "instead of nothing" in nobody
    assert " more" in nobody


def test_what_is_missing_or_damaged_is_refused(proof, tmp_path):
    with pytest.raises(BundleError, match="no made-up customers"):
        LiveProof.load(tmp_path)
    proof.save(tmp_path / "live")
    file = tmp_path / "live" / "golden_lines.json"
    for damaged in (
        "",
        "{}",
        "[]",
        json.dumps({**json.loads(file.read_text()), "lines": {"a": [1]}}),
    ):
        file.write_text(damaged)
        with pytest.raises(BundleError, match="no made-up customers"):
            LiveProof.load(tmp_path / "live")
