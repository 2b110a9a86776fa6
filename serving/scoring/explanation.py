"""The texts of a score run beside its numbers: reasons, and changes since the last run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from babel.numbers import get_currency_precision

from features.rows import Floats, Rows
from features.settings.predict import RiskBands
from serving.scoring.answers import encode
from serving.scoring.figures import description_of, is_late
from serving.scoring.reasons.averages import Averages
from serving.scoring.reasons.choice import SCORE_OF, choose, direction, true_facts, written
from serving.scoring.reasons.factors import factors_of
from serving.scoring.reasons.facts import CustomerFacts
from serving.scoring.reasons.references import References, beside_others
from serving.scoring.reasons.sentence import About
from serving.scoring.rounding import rounded
from serving.scoring.sides import Bools
from serving.scoring.since_last_run import changes_of
from serving.settings import Settings
from serving.store.run import RunInfo
from training.bundle.publication import Models
from training.models.calibration import logit

ROWS_PER_BLOCK = 16_384
LEAST_MONEY = 0.01
MODEL_OF: dict[About, str] = {"risk": "churn", "value": "value"}


@dataclass(frozen=True)
class EarlierRun:
    """The run before, to compare with.

    Attributes
    ----------
    figures : `churn_probability`, `clv`, band and, where it is known, stage as they were
        published, index `customer_id`
    features : those of the run's date as the log knows them today, index `customer_id`
    """

    run: RunInfo
    figures: pd.DataFrame
    features: pd.DataFrame

    def knows(self, customers: pd.Index) -> Bools:
        """Which of these customers were in it."""
        return np.asarray(customers.isin(self.features.index) & customers.isin(self.figures.index))

    def of(self, customers: pd.Index) -> ScoredRows:
        """Its figures for these customers, all of whom were in it."""
        figures = self.figures.loc[customers]
        scores = {name: figures[name].to_numpy(dtype=float) for name in SCORE_OF.values()}
        return ScoredRows(Rows.of(self.features.loc[customers]), scores)


@dataclass(frozen=True)
class ScoredRows:
    """Customers of a date: their features, and `churn_probability` and `clv`, same rows."""

    rows: Rows
    scores: Mapping[str, Floats]

    def at(self, which: Bools | npt.NDArray[np.intp]) -> ScoredRows:
        """A selection of the rows."""
        return ScoredRows(
            self.rows.at(which), {name: values[which] for name, values in self.scores.items()}
        )


def explain(
    features: pd.DataFrame,
    scores: pd.DataFrame,
    explainer: Explainer,
    *,
    earlier: EarlierRun | None,
) -> pd.DataFrame:
    """`reasons`, `factors` and `since_last_run` of every customer, as JSON.

    Parameters
    ----------
    features : one row per customer
    scores : `churn_probability` and `clv`, same rows
    explainer : for the shop
    earlier : None: nothing to compare with, `since_last_run` is null for all

    Returns
    -------
    Columns of text, same rows. Reasons: up to three for the risk, then up to two for the
    value. Factors: see `serving.scoring.reasons.factors`. Since the last run: its id, date and
    two figures, and what moved them; null for customers who were not in it.
    """
    reasons: list[str] = []
    factors: list[str] = []
    changes: list[str | None] = []
    for block in _slices(len(features)):
        figures = {name: scores[name].to_numpy(dtype=float)[block] for name in SCORE_OF.values()}
        scored = ScoredRows(Rows.of(features.iloc[block]), figures)
        parts = explainer.parts(scored.rows)
        reasons += explainer.reasons(scored, parts)
        factors += factors_of(parts)
        block_changes: list[str | None] = [None] * len(scored.rows)
        if earlier is not None:
            is_known = earlier.knows(features.index[block])
            before = earlier.of(features.index[block][is_known])
            scored, parts = (
                scored.at(is_known),
                {about: part.at(is_known) for about, part in parts.items()},
            )
            texts = explainer.changes(scored, parts, before, earlier.run)
            for position, text in zip(np.flatnonzero(is_known), texts, strict=True):
                block_changes[position] = text
        changes += block_changes
    columns = {"reasons": reasons, "factors": factors, "since_last_run": changes}
    return pd.DataFrame(columns, index=features.index, dtype="str")


def _slices(rows: int) -> Iterator[slice]:
    return (slice(start, start + ROWS_PER_BLOCK) for start in range(0, rows, ROWS_PER_BLOCK))


@dataclass(frozen=True)
class Explainer:
    """Puts predictions of a shop's models into words.

    Attributes
    ----------
    currency, digits : ISO 4217 code, and the decimal places of its amounts
    bands : edges of the bands of risk
    averages : of the customers of the run that the predictions belong to
    references : beside whom that run explains risks
    """

    models: Models
    currency: str
    digits: int
    bands: RiskBands
    averages: Averages
    references: References

    @classmethod
    def of(
        cls, models: Models, settings: Settings, averages: Averages, references: References
    ) -> Self:
        """For the shop of `settings`."""
        currency = settings.data.currency
        digits = get_currency_precision(currency)
        return cls(models, currency, digits, settings.predict.risk, averages, references)

    def parts(self, rows: Rows) -> dict[About, Rows]:
        """What each feature adds to the two scores."""
        return {
            "risk": self.models.churn.parts(rows),
            "value": description_of(self.models).value_parts(rows),
        }

    def reasons(self, scored: ScoredRows, parts: Mapping[About, Rows]) -> list[str]:
        """The reasons of each customer, a JSON array; `parts` are those of the same rows."""
        facts = CustomerFacts(scored.rows, self.averages, is_late(scored.rows, self.models))
        true = true_facts(facts)
        used_topics = None
        texts = []
        churn = scored.scores["churn_probability"]
        risk = beside_others(parts["risk"], churn, self.bands, self.references)
        for about, part in {**parts, "risk": risk}.items():
            directions = direction(about, scored.scores, self.bands, self.averages, part)
            chosen = choose(about, directions, part, true, used_topics)
            used_topics = chosen.used_topics
            texts.append(written(chosen, facts, about, self.currency))
        return [f"[{','.join(filter(None, row))}]" for row in np.hstack(texts).tolist()]

    def changes(
        self, scored: ScoredRows, parts: Mapping[About, Rows], before: ScoredRows, run: RunInfo
    ) -> Iterator[str]:
        """Changes since `run` with `before`: a JSON object per customer; `parts` are of `scored`."""
        published = self._published(scored.scores)
        parts_before = self.parts(before.rows)
        arrays = [
            changes_of(
                Rows(parts[about].numbers - parts_before[about].numbers, parts[about].columns),
                _link(about, published[name]) - _link(about, before.scores[name]),
                scored.rows,
                before.rows,
                self.currency,
                about=about,
                same_model=self._is_same_model(about, run),
            )
            for about, name in SCORE_OF.items()
        ]
        head = encode({"run_id": run.run_id, "as_of": run.as_of.isoformat()})[:-1]
        for churn, clv, *pair in zip(
            *(before.scores[name].tolist() for name in SCORE_OF.values()), *arrays, strict=True
        ):
            numbers = encode({"churn_probability": churn, "clv": clv})[1:-1]
            yield f'{head},{numbers},"reasons":[{",".join(filter(None, pair))}]}}'

    def _published(self, scores: Mapping[str, Floats]) -> dict[str, Floats]:
        return {
            "churn_probability": rounded(scores["churn_probability"], digits=4),
            "clv": rounded(scores["clv"], digits=self.digits),
        }

    def _is_same_model(self, about: About, run: RunInfo) -> bool:
        name = MODEL_OF[about]
        entry = self.models.manifest.models[name]
        # a baseline is fitted anew with every training, under the same name
        return not entry.stands_in and entry.version == run.models.get(name, {}).get("version")


def _link(about: About, score: Floats) -> Floats:
    """Log odds of a probability, log of money: where contributions add up."""
    return logit(score) if about == "risk" else np.log(np.maximum(score, LEAST_MONEY))
