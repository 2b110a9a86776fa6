"""Ids are normalised alike in SQL and in Python."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.reading.ids import BLANKS, normal_id, normal_id_sql
from features.sql_text import literal

_LETTERS = st.sampled_from([*BLANKS, *"aZ1@=\".İß买'-", "ÄÖ", '="'])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("\u00a01042\u3000", "1042"),
        ("\ufeff1042\u200b", "1042"),
        ('="0017"', "0017"),
        ('"0017"', '"0017"'),
        ("=1", "=1"),
        ("a b", "a b"),
        ("\u00a0", None),
        ("", None),
        (None, None),
    ],
)
def test_blanks_of_all_kinds_and_armour_are_no_part_of_an_id(written, meant):
    assert normal_id(written) == meant


def test_addresses_are_folded_where_the_shop_wants_it():
    assert normal_id(" Ann@Example.COM ", folds_addresses=True) == "ann@example.com"
    assert normal_id("Ann@Example.COM") == "Ann@Example.COM"
    assert normal_id("C-Ann", folds_addresses=True) == "C-Ann"


@given(text=st.lists(_LETTERS, max_size=8).map("".join), folds_addresses=st.booleans())
def test_sql_says_the_same(text, folds_addresses):
    sql = normal_id_sql(literal(text), folds_addresses=folds_addresses)
    with duckdb.connect() as connection:
        (found,) = connection.execute(f"SELECT {sql}").fetchone()
    assert found == normal_id(text, folds_addresses=folds_addresses)
