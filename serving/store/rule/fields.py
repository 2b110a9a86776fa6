"""The fields of a rule: one catalogue for the API, the page and the command line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from features.errors import ConfigError
from features.language.message import mark
from serving.store.rule.figures import FIGURES, FigureUnit
from serving.store.rule.tree import Operator
from serving.store.run import RHYTHMS, RISKS, STATUSES, RunInfo

FieldKind = Literal["choice", "item", "number", "date", "search"]
Heading = Literal["risk", "orders", "value", "groups", "shop", "scores"]
HEADINGS: tuple[Heading, ...] = get_args(Heading)

SHOP_PREFIX = "customer_"
"""Of segment systems that are columns of the shop's own table of customers."""

OF_KIND: Mapping[FieldKind, tuple[Operator, ...]] = {
    "choice": ("any_of", "none_of", "known", "unknown"),
    "item": ("any_of", "none_of"),
    "number": ("at_least", "at_most", "between", "known", "unknown"),
    "date": (
        *("next_days", "last_days", "before_days", "between", "at_least", "at_most"),
        *("known", "unknown"),
    ),
    "search": ("contains",),
}


@dataclass(frozen=True, kw_only=True)
class AudienceField:
    """What a condition can ask for.

    Attributes
    ----------
    label : English, marked for translation; empty where the run itself has the words
    unit : None of what is no number
    choices : all that there are; empty where the run has them
    """

    name: str
    kind: FieldKind
    heading: Heading
    label: str = ""
    unit: FigureUnit | None = None
    choices: tuple[str, ...] = ()

    @property
    def operators(self) -> tuple[Operator, ...]:
        operators = OF_KIND[self.kind]
        # one of its choices says that it is not known
        return operators[:2] if "unknown" in self.choices else operators


def _choice(name: str, heading: Heading, label: str, choices: tuple[str, ...]) -> AudienceField:
    return AudienceField(name=name, kind="choice", heading=heading, label=label, choices=choices)


def _figure(name: str, heading: Heading, label: str, unit: FigureUnit) -> AudienceField:
    kind: FieldKind = "date" if unit == "date" else "number"
    return AudienceField(name=name, kind=kind, heading=heading, label=label, unit=unit)


SEARCH = AudienceField(
    name="search", kind="search", heading="orders", label=mark("Name, e-mail or customer id")
)

FIELDS: Mapping[str, AudienceField] = {
    field.name: field
    for field in (
        _choice("risk", "risk", mark("Risk"), RISKS),
        _figure("churn_probability", "risk", mark("Chance of no order"), "probability"),
        _figure("churn_percentile", "risk", mark("Rank by churn probability"), "probability"),
        _choice("rhythm", "risk", mark("Rhythm"), RHYTHMS),
        _figure("days_since_last_order", "risk", mark("Days since the last order"), "days"),
        _figure("at_risk_on", "risk", mark("High risk without an order by"), "date"),
        _figure("next_order_date", "orders", mark("Next order"), "date"),
        _figure("p_order_30d", "orders", mark("Chance of an order in 30 days"), "probability"),
        AudienceField(
            name="will_buy", kind="item", heading="orders", label=mark("Will probably buy")
        ),
        _figure("orders", "orders", mark("Orders so far"), "orders"),
        _figure("first_order_date", "orders", mark("First order"), "date"),
        _figure("last_order_date", "orders", mark("Last order"), "date"),
        _figure("usual_gap_days", "orders", mark("Usual days between orders"), "days"),
        SEARCH,
        _figure("spend", "value", mark("Spent so far"), "money"),
        _figure("clv", "value", mark("Customer value"), "money"),
        _figure("clv_lifetime", "value", mark("Lifetime value"), "money"),
        _figure("value_at_risk", "value", mark("Value at risk"), "money"),
        _figure("expected_profit", "value", mark("Expected profit of a contact"), "money"),
        _figure("expected_order_value", "value", mark("Expected value of an order"), "money"),
        _figure("value_if_order", "value", mark("Value if they order"), "money"),
        _choice("consent", "shop", mark("Consent"), ("yes", "no", "unknown")),
        _choice("status", "orders", mark("Status"), STATUSES),
    )
}
"""What every run has."""

IN_COLUMNS: Mapping[str, str] = {
    "risk": "retention_risk",
    **{
        name: name
        for name in (
            *("status", "consent", "rhythm", "value_at_risk", "expected_profit"),
            *("churn_probability", "clv", "next_order_date"),
        )
    },
}
"""Fields that have a column of the store of their own; others stand in `figures`."""

if unnamed := {*FIELDS} - {*IN_COLUMNS, *FIGURES, "will_buy", "search"}:
    raise RuntimeError(f"Fields of audiences that no run keeps: {sorted(unnamed)}.")


def fields_of(run: RunInfo) -> list[AudienceField]:
    """All that rules over this run may ask for."""
    systems = [_of_run(name, run) for name in (*run.segment_columns, *run.index_columns)]
    return [*FIELDS.values(), *(field for field in systems if field.name not in FIELDS)]


def field_of(name: str, run: RunInfo) -> AudienceField:
    """One of them; raises `ConfigError` where the run has none of this name."""
    if (field := FIELDS.get(name)) is not None:
        return field
    if name not in (*run.segment_columns, *run.index_columns):
        names = ", ".join(field.name for field in fields_of(run))
        raise ConfigError(f"rule: no such field, {name!r:.80} (have: {names}).")
    return _of_run(name, run)


def _of_run(name: str, run: RunInfo) -> AudienceField:
    if name in run.index_columns:
        return AudienceField(name=name, kind="number", heading="scores", unit="points")
    heading: Heading = "shop" if name.startswith(SHOP_PREFIX) else "groups"
    return AudienceField(name=name, kind="choice", heading=heading)
