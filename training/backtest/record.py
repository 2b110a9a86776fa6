"""The predictions of a version on the folds of its backtest, kept to compare versions.

A record holds no customer ids: a fold is recognised by a fingerprint of its customers and
their outcomes, and within it customers are in the same order.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.backtest.backtest import TaskResult
from training.errors import BundleError
from training.models.estimator import read_json, write_json
from training.past.plan import Fold
from training.tasks.task import Judgement, Task

ROWS = "judged.parquet"
FOLDS = "judged.json"


@dataclass(frozen=True)
class BacktestRecord:
    """One version on its folds.

    Attributes
    ----------
    tests : the folds' origins
    proofs : per fold a sha256 of horizon, customers and what happened: equal means the same
        fold, row by row
    rows : per fold, as in `Judgement`; the index tells customers apart across the folds, by
        id in a fresh record and by number in a stored one
    """

    tests: tuple[date, ...]
    proofs: tuple[str, ...]
    rows: tuple[pd.DataFrame, ...] = field(repr=False)

    @classmethod
    def of(cls, result: TaskResult, folds: tuple[Fold, ...]) -> Self:
        """The record of a backtest just done."""
        return cls(
            tests=tuple(fold.test for fold in folds),
            proofs=tuple(
                proof(result.task, judgement, fold)
                for judgement, fold in zip(result.judgements, folds, strict=True)
            ),
            rows=tuple(judgement.rows for judgement in result.judgements),
        )

    @property
    def pooled(self) -> pd.DataFrame:
        """All folds below each other."""
        return pd.concat(self.rows)

    @property
    def customers(self) -> npt.NDArray[np.object_]:
        """The customer of each row of `pooled`."""
        return self.pooled.index.to_numpy(dtype=object)

    def is_same(self, other: "BacktestRecord") -> bool:
        """Whether both say the same of the same customers on the same folds."""
        return self.proofs == other.proofs and all(
            list(own) == list(theirs)
            and np.array_equal(
                own.to_numpy(dtype=float), theirs.to_numpy(dtype=float), equal_nan=True
            )
            for own, theirs in zip(self.rows, other.rows, strict=True)
        )

    def save(self, directory: Path) -> None:
        """Write the record without ids."""
        numbers, _ = pd.factorize(self.customers)
        directory.mkdir(parents=True, exist_ok=True)
        self.pooled.set_axis(pd.Index(numbers, name="customer")).to_parquet(directory / ROWS)
        folds = [
            {"test": test.isoformat(), "proof": proof, "rows": len(rows)}
            for test, proof, rows in zip(self.tests, self.proofs, self.rows, strict=True)
        ]
        write_json(directory / FOLDS, {"folds": folds})

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        BundleError
            When it is missing or damaged.
        """
        try:
            folds = read_json(directory / FOLDS)["folds"]
            pooled = pd.read_parquet(directory / ROWS)
            ends = np.cumsum([0, *(fold["rows"] for fold in folds)])
            return cls(
                tests=tuple(date.fromisoformat(fold["test"]) for fold in folds),
                proofs=tuple(fold["proof"] for fold in folds),
                rows=tuple(pooled.iloc[start:end] for start, end in pairwise(ends)),
            )
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise BundleError(
                f"{directory}: not a record of a backtest ({type(error).__name__}). Train again."
            ) from None


def proof(task: Task, judgement: Judgement, fold: Fold) -> str:
    """A sha256 of a fold: its dates, its customers in order, and what happened to them."""
    rows = judgement.rows
    # where rows hold no outcome, the scores of the baselines depend on what happened
    witnesses = [task.outcome] if task.outcome else [name for name in rows if name != "model"]
    digest = hashlib.sha256(f"{task.name} {fold.test} {fold.horizon_days}\n".encode())
    digest.update("\0".join(map(str, rows.index)).encode())
    for name in witnesses:
        digest.update(rows[name].to_numpy(dtype=np.float64).tobytes())
    return digest.hexdigest()
