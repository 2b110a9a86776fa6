"""One person, many cards: chains, circles, conflicts, and what it does to the orders."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.doctor.report import Finding, Report
from features.errors import DataError
from features.orders.log import check_orders, read_orders
from features.reading.identities import resolve
from features.sources import FrameSource
from tests.support.shop import COLUMNS, shop_settings


def links(*pairs: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["card_id", "customer_id"], dtype=object)


def who(*pairs: tuple[str, str], conflicts: str = "refuse") -> dict[str, str]:
    persons = resolve(links(*pairs), conflicts=conflicts).persons
    return dict(zip(persons["card_id"], persons["customer_id"], strict=True))


def test_a_card_is_its_customer():
    assert who(("card", "ann")) == {"card": "ann", "ann": "ann"}


def test_chains_end_at_the_last():
    assert who(("a", "b"), ("c", "d"), ("b", "c")) == dict.fromkeys("abcd", "d")


def test_a_circle_is_one_person():
    assert who(("p", "q"), ("q", "r"), ("r", "p")) == dict.fromkeys("pqr", "p")


def test_a_card_of_itself_says_nothing():
    assert who(("a", "a"), ("a", "b")) == {"a": "b", "b": "b"}
    assert who(("a", "a")) == {"a": "a"}


def test_no_links_no_persons():
    assert who() == {}


@pytest.mark.parametrize(
    ("conflicts", "card", "second"),
    [("refuse", "k", "2"), ("apart", "k", "2"), ("merge", "1", "1")],
)
def test_a_card_of_two_customers(conflicts, card, second):
    pairs = [("k", "2"), ("k", "1"), ("m", "2"), ("k", "1")]
    resolution = resolve(links(*pairs), conflicts=conflicts)
    assert resolution.conflicts == (("k", ("1", "2")),)
    assert who(*pairs, conflicts=conflicts) == {"1": "1", "2": second, "k": card, "m": second}


@given(
    pairs=st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from("abcdefg"))),
    data=st.data(),
)
def test_the_order_of_the_table_does_not_matter_and_nobody_stands_for_a_card(pairs, data):
    shuffled = data.draw(st.permutations(pairs))
    for conflicts in ("apart", "merge"):
        found = who(*pairs, conflicts=conflicts)
        assert found == who(*shuffled, conflicts=conflicts)
        assert all(found[name] == name for name in found.values())


# In the orders


def line(**different: object) -> dict[str, object]:
    usual = {"customer": None, "order": "1", "time": "2024-01-01 10:00", "product": "tea"}
    usual |= {"name": "Tea", "category": "drinks", "quantity": 1, "amount": 5.0, "discount": 0.0}
    return {**usual, "card": None, **different}


LINES = pd.DataFrame(
    [
        line(customer="ann", amount=10.0),
        line(card="111", order="2"),
        line(card="222", order="3", time="2024-01-03"),
        line(card="999", order="4"),
        line(order="5", amount=25.0),
    ]
)


def shop_of(folder, table: str, *, conflicts: str = "refuse"):
    (folder / "cards.csv").write_text(table)
    identities = {"path": "cards.csv", "card_id": "number", "customer_id": "owner"}
    data = {
        "columns": {**COLUMNS, "card_id": "card"},
        "identities": {**identities, "conflicts": conflicts},
    }
    return shop_settings(folder, data=data)


def examined(shop) -> Report:
    with check_orders(shop, FrameSource(LINES, "orders")) as report:
        return report


def found(report: Report, code: str) -> Finding:
    (finding,) = [finding for finding in report.findings if finding.code == code]
    return finding


def test_cards_become_customers_and_unknown_ones_stay(tmp_path):
    report = examined(shop_of(tmp_path, "number,owner\n111,ann\n222,111\n,nobody\n333,\n"))
    # ann with both cards, and card 999
    assert (report.customers, report.orders, report.anonymous_rows) == (2, 4, 1)
    identities = found(report, "identities")
    assert (identities.count, identities.unit) == (2, "card")
    # 5 + 5 + 5 + 25 of 50 without an id before, 25 after
    assert (
        "1 customers; revenue without a customer id 80.0% before, 50.0% after" in identities.meaning
    )
    unknown = found(report, "unknown_card")
    assert (unknown.count, unknown.share_of_revenue) == (1, 5 / 50)
    assert unknown.example == "orders, row 4"


def test_a_conflict_stops_the_training_and_a_rule_resolves_it(tmp_path):
    table = "number,owner\n111,ann\n111,bob\n"
    shop = shop_of(tmp_path, table)
    said = (
        "orders: cards.csv gives card '111' to 'ann' and 'bob'. Mend the table, or set "
        'data.identities.conflicts to "apart" or "merge".'
    )
    assert examined(shop).refusals == (said,)
    with pytest.raises(DataError) as caught, read_orders(shop, FrameSource(LINES, "orders")):
        pass
    assert caught.value.problems == (said,)
    apart = examined(shop_of(tmp_path, table, conflicts="apart"))
    assert (apart.refusals, apart.customers) == ((), 4)
    merged = examined(shop_of(tmp_path, table, conflicts="merge"))
    assert (merged.refusals, merged.customers) == ((), 3)
    assert found(merged, "card_of_two").severity == "fixed"


def test_the_customer_column_itself_may_hold_cards(tmp_path):
    (tmp_path / "cards.csv").write_text("number,owner\n111,ann\n222,ann\n")
    identities = {"path": "cards.csv", "card_id": "number", "customer_id": "owner"}
    shop = shop_settings(tmp_path, data={"identities": identities})
    lines = LINES.assign(customer=["111", "222", "222", "999", None])
    with check_orders(shop, FrameSource(lines)) as report:
        assert report.customers == 2
        assert found(report, "unknown_card").count == 1
