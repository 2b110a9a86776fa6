"""What a score run says about itself, and what its headline figures are."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Literal, NamedTuple, TypedDict

from serving.store.documents import RunLineage
from serving.store.economics import RunEconomics

RISKS = ("critical", "high", "medium", "low")
"""The bands of `retention_risk`, worst first."""

NO_UNIT = 1e-6
"""Of the last digit shown: an end of an interval nearer than this to a round figure is that."""

RHYTHM_RANKS: Mapping[str, float] = {"on_time": 0.0, "late": 1.0, "overdue": 2.0}
"""What the store keeps of `rhythm`, so that lists can stand in its order."""

RHYTHMS = ("overdue", "late", "on_time")

STATUSES = ("scored", "one_order", "too_new", "already_lapsed")


class ScoreRow(NamedTuple):
    """A customer's document, recommended products, and what lists filter and sort by.

    `rhythm` is its rank, see `RHYTHM_RANKS`; `next_order_date` the sooner the higher, see
    `serving.store.protocol.nearness`. `segments` (system → value), `document` and `products` are JSON; `contact_hash` stands for
    the address in an audience file, see `serving.campaigns.audience`; `figures` is JSON, too,
    and `search_text` what searches look at: see `serving.store.rule.figures`.
    """

    customer_id: str
    status: str
    retention_risk: str | None
    value_at_risk: float | None
    churn_probability: float | None
    clv: float | None
    expected_profit: float | None
    rhythm: float | None
    next_order_date: float | None
    consent: bool | None
    contact_hash: str | None
    segments: str
    figures: str
    search_text: str
    document: str
    products: str


class RuleTexts(TypedDict):
    """The rule of a segment system: texts by language, and what its groups are called."""

    title: Mapping[str, str]
    rule: Mapping[str, str]
    cut_points: Sequence[Mapping[str, str]]
    groups: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """The lineage of a score run: which models said what, from which data, as of when.

    `models` maps a model's name to its `version` and `grade`, and to `stands_in`, the title of the
    baseline that answers in its place; `segment_columns` names the
    segment systems that the scores carry, `index_columns` the numbers from 0 to 100; `profit_days`, of how many days `profit` is told (None: of none); `risk_bands` holds the lower edges of the bands
    of `retention_risk`, as churn probabilities; `segment_rules` tells of each system `title`,
    `rule`, `cut_points` and what its `groups` are called in both languages, ready for JSON; `economics` is what expected profits rest on
    (`serving.scoring.economics`); `churn_label` says what churn is; `lifetime_years`, how far
    `clv_lifetime` reaches (0: a run of an earlier release), and `discount_rate_per_year` by how
    much less later money counts in it; `accepted`, which findings and gates
    would have stopped it, with the reason for which the shop went on; `averages` are those of its
    customers (`serving.scoring.reasons.averages`), and `references` beside whom risks are explained
    (`serving.scoring.reasons.references`); `figures`, what the next run is held against
    (`serving.runs.gates`); `level` holds the sums of `clv` as published (`total`) and without
    the shift of the level (`unmoved_total`), and the part of that shift for earlier runs
    (`lasting`), and the 80 % interval of `total` (`low`, `high`); nothing in a run of an earlier
    release; `sold_within_days`, that only products sold to anybody in so many days are
    recommended, where no stock is known. `created_at` knows its time zone.
    """

    run_id: str
    as_of: date
    horizon_days: int
    currency: str
    created_at: datetime
    data_fingerprint: str
    models: Mapping[str, Mapping[str, str]]
    clv_basis: Literal["revenue", "margin"]
    segment_columns: tuple[str, ...]
    risk_bands: Mapping[str, float]
    index_columns: tuple[str, ...] = ()
    profit_days: int | None = None
    segment_rules: Mapping[str, RuleTexts] = field(default_factory=dict)
    economics: RunEconomics = field(default_factory=RunEconomics)
    churn_label: Literal["silence", "cancellation"] = "silence"
    lifetime_years: float = 0.0
    discount_rate_per_year: float = 0.0
    accepted: Mapping[str, str] = field(default_factory=dict)
    averages: Mapping[str, float] = field(default_factory=dict)
    references: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    level: Mapping[str, float] = field(default_factory=dict)
    sold_within_days: int | None = None

    @property
    def stand_ins(self) -> dict[str, str]:
        """Model → title of the baseline that answers in its place."""
        return {
            name: model["stands_in"] for name, model in self.models.items() if "stands_in" in model
        }

    @property
    def stand_ins_text(self) -> str | None:
        """The same as one cell: `value: RFM average`; None where models answer."""
        pairs = [f"{name}: {title}" for name, title in self.stand_ins.items()]
        return "; ".join(pairs) or None

    def lineage(self) -> RunLineage:
        """The part of the run that every answer carries, ready for JSON."""
        return {
            "run_id": self.run_id,
            "models": {name: dict(model) for name, model in self.models.items()},
            "data_fingerprint": self.data_fingerprint,
            "as_of": self.as_of.isoformat(),
            "horizon_days": self.horizon_days,
            "currency": self.currency,
        }

    def to_json(self) -> str:
        """The whole run as JSON text; `from_json` reads it back."""
        values = {
            **self.lineage(),
            "created_at": self.created_at.isoformat(),
            "clv_basis": self.clv_basis,
            "churn_label": self.churn_label,
            "lifetime_years": self.lifetime_years,
            "discount_rate_per_year": self.discount_rate_per_year,
            "segment_columns": list(self.segment_columns),
            "index_columns": list(self.index_columns),
            "profit_days": self.profit_days,
            "risk_bands": dict(self.risk_bands),
            "segment_rules": {name: dict(rule) for name, rule in self.segment_rules.items()},
            "economics": dict(self.economics),
            "accepted": dict(self.accepted),
            "averages": dict(self.averages),
            "references": {side: dict(means) for side, means in self.references.items()},
            "figures": dict(self.figures),
            "level": dict(self.level),
            "sold_within_days": self.sold_within_days,
        }
        return json.dumps(values, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "RunInfo":
        values = json.loads(text)
        return cls(
            **{
                **values,
                "as_of": date.fromisoformat(values["as_of"]),
                "created_at": datetime.fromisoformat(values["created_at"]),
                "segment_columns": tuple(values["segment_columns"]),
                "index_columns": tuple(values.get("index_columns", ())),
            }
        )


@dataclass(frozen=True, kw_only=True)
class MoneyFormat:
    """How an amount is written: `prefix` before the figure, `digits` after the point."""

    prefix: str
    digits: int

    def write(self, amount: float) -> str:
        """`amount` in units of the currency, such as '−£1,234.50'."""
        figure = f"{abs(amount):,.{self.digits}f}"
        sign = "−" if amount < 0 and figure.strip("0.,") else ""
        return f"{sign}{self.prefix}{figure}"

    def write_low(self, amount: float) -> str:
        """The low end of an interval: rounded down, so that what lies inside stays inside."""
        units = 10.0**self.digits
        return self.write(math.floor(amount * units + NO_UNIT) / units)

    def write_high(self, amount: float) -> str:
        """The high end of an interval: rounded up."""
        units = 10.0**self.digits
        return self.write(math.ceil(amount * units - NO_UNIT) / units)


@dataclass(frozen=True, kw_only=True)
class Totals:
    """How many customers, and their value at risk in units of the currency."""

    customers: int
    value_at_risk: float


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Headline figures of a run, counted once when it is published.

    `segments` maps a system to its values and their sizes, for systems few enough in
    values to choose from a list.
    """

    total: Totals
    by_risk: Mapping[str, Totals]
    by_status: Mapping[str, int]
    segments: Mapping[str, Mapping[str, int]]
    money: MoneyFormat

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Summary":
        values = json.loads(text)
        return cls(
            total=Totals(**values["total"]),
            by_risk={risk: Totals(**totals) for risk, totals in values["by_risk"].items()},
            by_status=values["by_status"],
            segments=values["segments"],
            money=MoneyFormat(**values["money"]),
        )


@dataclass(frozen=True, kw_only=True)
class PublishedRun:
    """A run in the store."""

    info: RunInfo
    summary: Summary
