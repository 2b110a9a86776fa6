"""Texts and their codes."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from training.past.names import Names

texts = st.lists(st.text(max_size=3), max_size=8)


@given(texts.map(lambda values: [*dict.fromkeys(values)]), texts)
def test_they_are_found_as_an_index_of_pandas_finds_them(values, others):
    names, index = Names(values), pd.Index(values, dtype=object)
    assert [*names] == values
    assert (
        names.codes(others).tolist() == index.get_indexer(pd.Index(others, dtype=object)).tolist()
    )
    assert names.among(others).tolist() == index.isin(others).tolist()
    assert [*names[names.among(others)]] == [value for value in values if value in others]
    assert [*Names(values).followed_by(["more"])] == [*values, "more"]


@given(texts)
def test_what_is_there_twice_is_told(values):
    twice = [value for number, value in enumerate(values) if value in values[:number]]
    assert Names(values).first_repeated() == (twice[0] if twice else None)
