"""Numbers of customers are those of pandas, which models in force hold."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from training.recommend.owners import ONE_BY_ONE, owners_of

ids = st.text(st.characters(codec="utf-8"), max_size=40)


@given(st.lists(ids, max_size=3 * ONE_BY_ONE))
def test_they_are_what_pandas_hashes_texts_to(customers):
    hashed = pd.util.hash_array(np.array([*customers, ""], dtype=object), categorize=False)
    assert owners_of([*customers, ""]).tolist() == hashed.tolist()
    assert owners_of(customers[:1]).tolist() == hashed[: len(customers[:1])].tolist()
