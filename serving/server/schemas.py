"""The shapes of what operators ask: models, health, readiness."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field

from serving.web.schemas import Model
from serving.web.shape import ApiShape


class Bundle(ApiShape):
    bundle_id: str
    models: dict[str, Model]


class TreatmentFound(ApiShape):
    """The treatment that a measured decision found to earn most, more than no contact."""

    treatment: str
    campaign_id: str
    rounds: int
    profit: float = Field(description="Per contact, in units of the currency")
    low: float = Field(description="Start of the 90 % interval, above 0")
    high: float


class Suggestions(ApiShape):
    source: Literal["measured", "rules"] = Field(
        description="measured: whoever is worth a contact gets `treatment`; rules: by "
        "`suggested_action` alone"
    )
    treatment: TreatmentFound | None


class Models(ApiShape):
    """Which models speak, in which run, from which data."""

    run_id: str
    as_of: date
    horizon_days: int
    currency: str
    created_at: datetime
    data_fingerprint: str
    clv_basis: Literal["revenue", "margin"]
    risk_bands: dict[str, float] = Field(description="Lower edges, as churn probabilities")
    models: dict[str, Model]
    bundle: Bundle | None = Field(
        description="The models that are published now; they speak from the next run on"
    )
    suggestions: Suggestions
    backtests: dict[str, Any] | None = Field(
        description="The exhibit of this name, see docs/exhibits.md; null where there is none"
    )
    ledger: dict[str, Any] | None = Field(
        description="Past runs beside what happened: the exhibit 'promise'; null likewise"
    )
    drift: dict[str, Any] | None = Field(description="The exhibit of this name; null likewise")


class Health(ApiShape):
    status: Literal["ok"]


class Readiness(ApiShape):
    """What answers; the ids are told to callers with a key, where there are keys."""

    status: Literal["ready"]
    run_id: str | None
    bundle_id: str | None
    scorer: Literal["ready", "starting", "none"] = Field(
        description="The process that scores new orders; answers from the store need none"
    )
    scores_pending: int | None = Field(
        description="Customers with orders that their score does not know yet"
    )
