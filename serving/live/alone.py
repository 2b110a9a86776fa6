"""A prediction from a customer's lines alone, which nobody keeps."""

import math
from collections.abc import Mapping, Sequence

from features.errors import ConfigError
from features.reading.typing import typed_line
from serving.live.after import Finish
from serving.live.messages import LoneAnswer, LoneRequest
from serving.live.scorer import CustomerBackground, CustomerScore, ScoreQuestion, Scorer
from serving.settings import Settings


def asked_alone(
    scorer: Scorer, settings: Settings, request: LoneRequest
) -> tuple[ScoreQuestion, Finish]:
    """Whom to score, and what makes the answer of it.

    What tables beside the orders would tell is taken from the request. The rest is unknown, as it
    is of a customer of whom the tables hold nothing.

    Raises
    ------
    ConfigError
        When a feature was sent that the models do not take from such a table.
    """
    features = _table_features(scorer.table_columns, request.features)
    unknown = tuple(name for name, value in features.items() if math.isnan(value))

    def finished(outcome: CustomerScore | ConfigError) -> LoneAnswer:
        if isinstance(outcome, ConfigError):
            raise outcome
        aside = tuple(
            (number, judged.reason)
            for number, judged in enumerate(outcome.judged)
            if judged.reason is not None
        )
        return LoneAnswer(document=outcome.document, put_aside=aside, features_unknown=unknown)

    question = ScoreQuestion(
        customer_id=request.customer_id,
        lines=[typed_line(line, settings.data) for line in request.lines],
        as_of=request.as_of,
        background=CustomerBackground(consents=request.consents, table_features=features),
    )
    return question, finished


def _table_features(columns: Sequence[str], sent: Mapping[str, float | None]) -> dict[str, float]:
    """Each of the columns, NaN where nothing was sent."""
    if not sent.keys() <= set(columns):
        possible = ", ".join(columns) or "none: these models learned from orders alone"
        raise ConfigError(f"features: only those of tables beside the orders ({possible}).")
    values = ((name, sent.get(name)) for name in columns)
    return {name: math.nan if value is None else float(value) for name, value in values}
