"""What a score run says beside the numbers: reasons, and why they are not those of last time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.rows import Rows
from serving.scoring.answers import encode, rounded
from serving.scoring.figures import description_of
from serving.scoring.reasons import About, reasons_of
from serving.scoring.sides import Bools, Floats
from serving.scoring.since_last_run import changes_of
from serving.store.run import RunInfo
from training.bundle.publication import Models
from training.models.calibration import logit

ROWS_PER_BLOCK = 16_384
LEAST_MONEY = 0.01
SCORES: dict[About, str] = {"risk": "churn_probability", "value": "clv"}
"""The score that the reasons are about."""

MODEL_OF: dict[About, str] = {"risk": "churn", "value": "value"}


@dataclass(frozen=True)
class EarlierRun:
    """The run before, to compare with.

    Attributes
    ----------
    figures : `churn_probability` and `clv` as they were published, index `customer_id`
    features : those of the run's date as the log knows them today, index `customer_id`
    """

    run: RunInfo
    figures: pd.DataFrame
    features: pd.DataFrame

    def knows(self, customers: pd.Index) -> Bools:
        """Who of these was in it."""
        return np.asarray(customers.isin(self.features.index) & customers.isin(self.figures.index))

    def of(self, customers: pd.Index) -> "ScoredRows":
        """What it said of these, all of whom it knows."""
        figures = self.figures.loc[customers]
        scores = {name: figures[name].to_numpy(dtype=float) for name in SCORES.values()}
        return ScoredRows(Rows.of(self.features.loc[customers]), scores)


@dataclass(frozen=True)
class ScoredRows:
    """Customers of a date: their features, and `churn_probability` and `clv`, same rows."""

    rows: Rows
    scores: Mapping[str, Floats]

    def at(self, which: "Bools | npt.NDArray[np.intp]") -> "ScoredRows":
        """Some of them."""
        return ScoredRows(
            self.rows.at(which), {name: values[which] for name, values in self.scores.items()}
        )


def explain(
    features: pd.DataFrame,
    scores: pd.DataFrame,
    models: Models,
    currency: str,
    *,
    digits: int,
    earlier: EarlierRun | None,
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
    explainer = Explainer(models, currency, digits)
    reasons: list[str] = []
    changes: list[str | None] = []
    for some in _slices(len(features)):
        figures = {name: scores[name].to_numpy(dtype=float)[some] for name in SCORES.values()}
        now = ScoredRows(Rows.of(features.iloc[some]), figures)
        parts = explainer.parts(now.rows)
        reasons += explainer.reasons(now.rows, parts)
        found: list[str | None] = [None] * len(now.rows)
        if earlier is not None:
            known = earlier.knows(features.index[some])
            before = earlier.of(features.index[some][known])
            now, parts = now.at(known), {about: part.at(known) for about, part in parts.items()}
            told = explainer.changes(now, parts, before, earlier.run)
            for place, text in zip(np.flatnonzero(known), told, strict=True):
                found[place] = text
        changes += found
    columns = {"reasons": reasons, "since_last_run": changes}
    return pd.DataFrame(columns, index=features.index, dtype="str")


def _slices(rows: int) -> Iterator[slice]:
    return (slice(start, start + ROWS_PER_BLOCK) for start in range(0, rows, ROWS_PER_BLOCK))


@dataclass(frozen=True)
class Explainer:
    """Puts into words what `models` say, in money of `currency` with `digits` decimal places."""

    models: Models
    currency: str
    digits: int

    def parts(self, rows: Rows) -> dict[About, Rows]:
        """What each feature adds to the two scores."""
        return {
            "risk": self.models.churn.parts(rows),
            "value": description_of(self.models).value_parts(rows),
        }

    def reasons(self, rows: Rows, parts: Mapping[About, Rows]) -> list[str]:
        """The reasons of each customer, a JSON array; `parts` are those of `rows`."""
        told = [reasons_of(parts[about], rows, self.currency, about=about) for about in SCORES]
        return [f"[{','.join(filter(None, both))}]" for both in zip(*told, strict=True)]

    def changes(
        self, now: ScoredRows, parts: Mapping[About, Rows], before: ScoredRows, run: RunInfo
    ) -> Iterator[str]:
        """Since `run`, which told `before`: a JSON object per customer; `parts` are of `now`."""
        published = self._published(now.scores)
        then = self.parts(before.rows)
        told = [
            changes_of(
                Rows(parts[about].numbers - then[about].numbers, parts[about].columns),
                _link(about, published[name]) - _link(about, before.scores[name]),
                now.rows,
                before.rows,
                self.currency,
                about=about,
                same_model=self._is_same_model(about, run),
            )
            for about, name in SCORES.items()
        ]
        head = encode({"run_id": run.run_id, "as_of": run.as_of.isoformat()})[:-1]
        for churn, clv, *both in zip(
            *(before.scores[name].tolist() for name in SCORES.values()), *told, strict=True
        ):
            numbers = encode({"churn_probability": churn, "clv": clv})[1:-1]
            yield f'{head},{numbers},"reasons":[{",".join(filter(None, both))}]}}'

    def _published(self, scores: Mapping[str, Floats]) -> dict[str, Floats]:
        return {
            "churn_probability": rounded(scores["churn_probability"], digits=4),
            "clv": rounded(scores["clv"], digits=self.digits),
        }

    def _is_same_model(self, about: About, run: RunInfo) -> bool:
        name = MODEL_OF[about]
        return self.models.manifest.models[name].version == run.models.get(name, {}).get("version")


def _link(about: About, score: Floats) -> Floats:
    """Log odds of a probability, log of money: where contributions add up."""
    return logit(score) if about == "risk" else np.log(np.maximum(score, LEAST_MONEY))
