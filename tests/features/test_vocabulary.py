"""Words for states of orders, lines that are no goods, and nobody."""

import duckdb
import pytest

from features.sql_text import literal
from features.vocabulary.words import (
    folded,
    folded_sql,
    no_product_words,
    nobody_words,
    status_words,
)


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        ("Completed", "purchase"),
        ("wc-on-hold", "none"),
        ("Partially_Refunded", "purchase"),
        ("VOIDED", "none"),
        ("bezahlt", "purchase"),
        ("Storniert", "none"),
        ("remboursée", "return"),
        ("cancelado", "none"),
        ("交易关闭", "none"),
        ("test order", "test"),
        ("not paid", "none"),
        ("blue", None),
    ],
)
def test_a_status_is_told_by_its_word(value, verdict):
    assert status_words().verdict(value) == verdict


def test_words_that_mean_different_things_are_marked():
    assert status_words().is_ambiguous("Pending")
    assert not status_words().is_ambiguous("failed")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "On-Hold",
            "  Pending__Payment ",
            "a\u00a0b",
            "\u3000x",
            "A\tB",
            "İSTANBUL",
            "ẞ-ÄÖ",
            "--",
            "",
        ),
        *("\u2003em", "Σ", "交易_成功", "\x1fx", "a\u2028b", "\x85next"),
    ],
)
def test_sql_folds_as_python_does(text):
    with duckdb.connect() as connection:
        (found,) = connection.execute(f"SELECT {folded_sql(literal(text))}").fetchone()
    assert found == folded(text)


def test_names_of_lines_that_are_no_goods():
    words = no_product_words()
    assert "versandkosten" in words["shipping"]
    assert "geschenkgutschein" in words["gift_card"]
    assert "versandtasche" not in words["shipping"]


@pytest.mark.parametrize(
    "value", ["0", "GUEST", "Walk-in Customer", "noreply@shop.example", "散客"]
)
def test_ids_of_nobody(value):
    assert nobody_words().speaks_of_nobody(value)


@pytest.mark.parametrize("value", ["1042", "1", "ann@example.net", "C0", "guesthouse"])
def test_ids_of_somebody(value):
    assert not nobody_words().speaks_of_nobody(value)
