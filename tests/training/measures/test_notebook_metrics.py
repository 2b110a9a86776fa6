"""What notebooks hand to the metrics is taken by position, or refused in a sentence."""

import numpy as np
import pandas as pd
import pytest

import regulars
from features.errors import DataError
from training.measures import metrics


def test_series_of_any_index_and_lists_are_taken_by_position():
    churned = pd.Series([True, False, True, False], index=[7, 3, 9, 1])
    chances = pd.Series([0.8, 0.4, 0.3, 0.1], index=[1, 2, 3, 4])
    expected = metrics.churn_metrics(np.array([1.0, 0, 1, 0]), chances.to_numpy())
    assert regulars.churn_metrics(churned, chances) == expected
    assert regulars.churn_metrics(list(churned), list(chances)) == expected
    # (auc by hand: three of four pairs)
    assert regulars.roc_auc(list(churned), list(chances)) == 3 / 4
    assert regulars.concordance([1, 2, 3], [True, True, False], [1, 2, 3]) == 1
    waits = regulars.next_order_metrics([2.0, None], [3.0, 9.0], [1.0, 2.0], horizon_days=30)
    assert waits["date_mae_days"] == 1


@pytest.mark.parametrize(
    ("metric", "arguments", "why"),
    [
        ("churn_metrics", ([1, 0], [0.5, np.nan]), "values of probability are missing or not"),
        ("churn_metrics", ([1, 0], [0.5, 1.2]), "1 of 2 .* not between 0 and 1, .* row 2"),
        ("churn_metrics", ([1, 2], [0.5, 0.2]), "values of churned are neither 0 nor 1"),
        ("roc_auc", ([1, 0, 1], [0.5, 0.2]), r"same number of values.*happened: 3, score: 2"),
        ("value_metrics", ([1.0, 2.0], [1.0, np.inf]), "predicted are missing or infinite"),
        ("spearman", (["a", "b"], [1, 2]), "left holds something that is no number"),
        ("decile_error", ([], []), "at least one"),
        ("normalised_gini", ([[1.0]], [1.0]), "one value per row"),
    ],
)
def test_what_cannot_be_judged_is_refused(metric, arguments, why):
    with pytest.raises(DataError, match=why):
        getattr(regulars, metric)(*arguments)
