import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import ConfigError
from serving.churn_list.lists import decode_cursor, encode_cursor
from serving.store.protocol import SORT_KEYS, After

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(texts, st.floats(allow_nan=False, allow_infinity=False), texts, st.sampled_from(SORT_KEYS))
def test_a_cursor_reads_back_exactly(run_id, value, customer_id, sort):
    after = After(run_id, value, customer_id)
    assert decode_cursor(encode_cursor(after, sort), sort) == after


def test_a_cursor_behind_an_unknown_value_reads_back():
    after = After("run-1", -math.inf, "7")
    assert decode_cursor(encode_cursor(after, "clv"), "clv") == after


def test_a_cursor_of_another_order_is_refused():
    cursor = encode_cursor(After("run-1", 1.0, "7"), "clv")
    with pytest.raises(ConfigError, match="cursor"):
        decode_cursor(cursor, "value_at_risk")


@given(st.text())
def test_any_other_text_is_refused(text):
    with pytest.raises(ConfigError, match="cursor"):
        decode_cursor(text, "clv")
