"""The catalogue of known layouts."""

from itertools import permutations
from pathlib import Path

import pytest

from features.errors import ConfigError
from features.proposal.known import recognised
from features.proposal.systems.layout import (
    Layout,
    layout_of_header,
    layouts,
    layouts_of_system,
)

ORDERS_PAGE = Path(__file__).parents[4] / "docs" / "orders.md"


@pytest.mark.parametrize("name", layouts())
def test_a_layout_is_recognised_by_each_of_its_headers_and_no_other_is(name):
    layout = layouts()[name]
    for header in layout.headers:
        found = layout_of_header(["Something else", *header, "Note"])
        assert found is not None
        assert found.system == layout.system


@pytest.mark.parametrize("name", layouts())
def test_a_layout_names_who_bought_when(name):
    columns = layouts()[name].columns
    assert {"customer_id", "ordered_at", "order_id"} <= columns.keys()


@pytest.mark.parametrize("name", layouts())
def test_no_word_has_two_meanings(name):
    for words in (layouts()[name].status, layouts()[name].document):
        lists = [set(words.purchase), set(words.none), set(words.returned)]
        assert not any(first & second for first, second in permutations(lists, 2))


def test_who_is_verified_names_where():
    for layout in layouts().values():
        assert layout.verified == (layout.source is not None)
        assert layout.introduction.startswith("This is" if layout.verified else "This looks like")


def test_every_layout_is_told_to_shopkeepers():
    page = ORDERS_PAGE.read_text(encoding="utf-8")
    missing = [
        f"{layout.system}: {layout.export}"
        for layout in layouts().values()
        if f"**{layout.system}**" not in page or layout.export not in page
    ]
    assert not missing


def test_case_and_blanks_of_headers_do_not_count():
    header = [" name ", "FINANCIAL STATUS", "Lineitem  name", "lineitem price", "Lineitem quantity"]
    found = layout_of_header(header)
    assert found is not None
    assert found.system == "Shopify"


def test_an_unknown_header_is_nobodys():
    assert layout_of_header(["order", "customer", "date", "amount"]) is None


def test_a_person_may_name_the_system():
    assert {layout.system for layout in layouts_of_system("woo")} == {"WooCommerce"}
    named = recognised(["id", "Created (UTC)", "Amount"], "stripe")
    assert named is layouts()["stripe_payments"]
    assert recognised(["Name", "Financial Status"], "none") is None


def test_a_system_that_nobody_knows_is_refused():
    with pytest.raises(ConfigError, match="no system of that name"):
        recognised(["a"], "abacus")


def test_a_layout_with_a_role_that_does_not_exist_is_no_layout():
    with pytest.raises(ValueError, match="no role 'colour'"):
        Layout.model_validate({
            "system": "X", "export": "orders", "menu": "", "verified": False,
            "headers": [["a"]], "columns": {"colour": ["a"]},
        })  # fmt: skip
