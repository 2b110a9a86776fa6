"""Explaining every customer: trees looked up in tables beside LightGBM's own `pred_contrib`.

Both explain the same made-up customers by the same trees on one thread; the figures are rows
per CPU-second, and the largest difference between the two.
"""

import time
from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np

from training.models.attribution import TreeTables
from training.models.boosting import Boosting
from training.models.estimator import Floats

FEATURES = 80
ROWS_LEARNED, ROWS_EXPLAINED, ROWS_BY_LIGHTGBM = 20_000, 100_000, 1_000


def run() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(ROWS_EXPLAINED, FEATURES))
    values[rng.random(values.shape) < 0.1] = np.nan
    print("| trees | tables made in CPU s | rows/s, tables | rows/s, pred_contrib | ratio |"
          " rows/s, scores by tables | rows/s, predict | largest difference |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    for trees in (400, 1_500):
        _measure(_grown(values[:ROWS_LEARNED], trees), trees, values)


def _grown(values: Floats, trees: int) -> lightgbm.Booster:
    known = np.nan_to_num(values)
    wanted = known[:, :20].sum(axis=1) + 3 * known[:, 0] * known[:, 1]
    parameters = Boosting(threads=1).parameters("regression")
    return lightgbm.train(parameters, lightgbm.Dataset(values, label=wanted), trees)


def _measure(booster: lightgbm.Booster, trees: int, values: Floats) -> None:
    tables, making = _timed(lambda: TreeTables.of(booster.model_to_string()))
    assert tables is not None
    explained, by_tables = _timed(lambda: tables.contributions(values))
    few = values[:ROWS_BY_LIGHTGBM]
    said, by_lightgbm = _timed(lambda: booster.predict(few, pred_contrib=True, num_threads=1))
    scores, scoring = _timed(lambda: tables.raw_scores(values))
    raw, predicting = _timed(lambda: booster.predict(values, raw_score=True, num_threads=1))
    np.testing.assert_array_equal(scores, raw)
    rate, slow = len(values) / by_tables, len(few) / by_lightgbm
    print(
        f"| {trees:,} | {making:.2f} | {rate:,.0f} | {slow:,.0f} | {rate / slow:.0f} "
        f"| {len(values) / scoring:,.0f} | {len(values) / predicting:,.0f} "
        f"| {np.abs(explained[: len(few)] - said).max():.0e} |"
    )


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.process_time()
    return work(), time.process_time() - started


if __name__ == "__main__":
    run()
