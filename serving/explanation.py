"""What a score run says beside the numbers: reasons, and why they are not those of last time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from serving.answers import encode, rounded
from serving.changes import changes_of
from serving.reasons import About, reasons_of
from serving.sides import Bools, Floats
from serving.store.run import RunInfo
from training.bundle import Models
from training.models.calibration import logit

ROWS_PER_BLOCK = 16_384
LEAST_MONEY = 0.01
SCORES: dict[About, str] = {"risk": "churn_probability", "value": "clv"}
"""The score that the reasons are about."""

MODEL_OF: dict[About, str] = {"risk": "churn", "value": "value"}


@dataclass(frozen=True)
class Earlier:
    """The run before, to compare with.

    Attributes
    ----------
    figures : `churn_probability` and `clv` as they were published, index `customer_id`
    features : those of the run's date as the log knows them today, index `customer_id`
    """

    run: RunInfo
    figures: pd.DataFrame
    features: pd.DataFrame

    def version(self, about: About) -> str | None:
        """Of the model that said the score."""
        return self.run.models.get(MODEL_OF[about], {}).get("version")


def explain(
    features: pd.DataFrame,
    scores: pd.DataFrame,
    models: Models,
    currency: str,
    *,
    digits: int,
    earlier: Earlier | None,
) -> pd.DataFrame:
    """`reasons` and `since_last_run` of every customer, as JSON.

    Parameters
    ----------
    features : one row per customer
    scores : `churn_probability` and `clv`, same rows
    currency, digits : ISO 4217 code, and the decimal places of its amounts
    earlier : None: nothing to compare with, `since_last_run` is null for all

    Returns
    -------
    Two columns of text, same rows. Reasons: up to three for the risk, then up to three for
    the value. Since the last run: its id, date and two figures, and what moved them; null
    for those who were not in it.
    """
    explainer = _Explainer(models, currency, digits, earlier)
    known = np.zeros(len(features), dtype=bool)
    if earlier is not None:
        known = features.index.isin(earlier.features.index.intersection(earlier.figures.index))
    blocks = [
        explainer.block(features.iloc[rows], scores.iloc[rows], known[rows])
        for rows in _slices(len(features))
    ]
    return pd.concat(blocks) if blocks else _table(features.index, [], [])


def _slices(rows: int) -> Iterator[slice]:
    return (slice(start, start + ROWS_PER_BLOCK) for start in range(0, rows, ROWS_PER_BLOCK))


def _table(index: pd.Index, reasons: list[str], changes: list[str | None]) -> pd.DataFrame:
    columns = {"reasons": reasons, "since_last_run": changes}
    return pd.DataFrame(columns, index=index, dtype="str")


@dataclass(frozen=True)
class _Explainer:
    """Models and money of one run, and the run before."""

    models: Models
    currency: str
    digits: int
    earlier: Earlier | None

    def block(self, features: pd.DataFrame, scores: pd.DataFrame, known: Bools) -> pd.DataFrame:
        """Reasons and changes of some customers; those `known` were in the run before."""
        parts = self._contributions(features)
        told = [reasons_of(parts[about], features, self.currency, about=about) for about in SCORES]
        reasons = [f"[{','.join(filter(None, both))}]" for both in zip(*told, strict=True)]
        changes: list[str | None] = [None] * len(features)
        if self.earlier is not None:
            parts = {about: part[known] for about, part in parts.items()}
            found = self._changes(features[known], scores[known], parts, self.earlier)
            for place, text in zip(np.flatnonzero(known), found, strict=True):
                changes[place] = text
        return _table(features.index, reasons, changes)

    def _contributions(self, features: pd.DataFrame) -> dict[About, pd.DataFrame]:
        return {
            "risk": self.models.churn.contributions(features),
            "value": self.models.value.contributions(features),
        }

    def _changes(
        self,
        features: pd.DataFrame,
        scores: pd.DataFrame,
        parts: dict[About, pd.DataFrame],
        earlier: Earlier,
    ) -> Iterator[str]:
        before = earlier.features.loc[features.index]
        figures = earlier.figures.loc[features.index]
        now = self._published(scores)
        then = self._contributions(before)
        told = [
            changes_of(
                parts[about] - then[about],
                _link(about, now[name]) - _link(about, figures[name]),
                features,
                before,
                self.currency,
                about=about,
                same_model=self._version(about) == earlier.version(about),
            )
            for about, name in SCORES.items()
        ]
        head = encode({"run_id": earlier.run.run_id, "as_of": earlier.run.as_of.isoformat()})[:-1]
        for churn, clv, *both in zip(
            *(figures[name] for name in SCORES.values()), *told, strict=True
        ):
            numbers = encode({"churn_probability": churn, "clv": clv})[1:-1]
            yield f'{head},{numbers},"reasons":[{",".join(filter(None, both))}]}}'

    def _published(self, scores: pd.DataFrame) -> dict[str, Floats]:
        return {
            "churn_probability": rounded(scores["churn_probability"], digits=4),
            "clv": rounded(scores["clv"], digits=self.digits),
        }

    def _version(self, about: About) -> str:
        return self.models.manifest.models[MODEL_OF[about]].version


def _link(about: About, score: "Floats | pd.Series[float]") -> Floats:
    """Log odds of a probability, log of money: where contributions add up."""
    values = np.asarray(score, dtype=float)
    return logit(values) if about == "risk" else np.log(np.maximum(values, LEAST_MONEY))
