"""How each optional table is read: its fields in SQL, and the rules that put rows aside."""

from dataclasses import dataclass
from typing import get_args

from features.reading.mapping import (
    id_text,
    minor,
    number,
    plain_text,
    product_code,
    timestamp,
)
from features.reading.rules import Rule
from features.settings.data import Data
from features.settings.tables import (
    Acquisitions,
    Contacts,
    Customers,
    Interactions,
    Kind,
    level_column,
    number_column,
)
from features.sql_text import literal

OptionalTable = Interactions | Contacts | Customers | Acquisitions

SERVICE_MINUTES = {"responded_at": "response_minutes", "resolved_at": "solution_minutes"}
"""Column that says when service answered and when it was done → how long after the interaction, in
minutes, negative ones included."""

_YES = ("true", "t", "yes", "y", "1", "是")
_NO = ("false", "f", "no", "n", "0", "否")


@dataclass(frozen=True)
class Reading:
    """How one table is read.

    Attributes
    ----------
    fields : name → SQL over the rows of `source_<table>`
    content : the fields by which two rows are the same row
    rules : why rows are put aside, first match wins
    repeats : whether one file may rightly hold the same row twice
    unread : condition on used rows with unread values → a sentence about `{rows}` of them
    """

    fields: dict[str, str]
    content: tuple[str, ...]
    rules: tuple[Rule, ...]
    repeats: bool
    unread: dict[str, str]


def reading_of(table: OptionalTable, types: dict[str, str], data: Data) -> Reading:
    """How `table` is read from a file with columns of these SQL types."""
    match table:
        case Interactions():
            return _interactions(table, types, data)
        case Contacts():
            return _contacts(table, types, data)
        case Customers():
            return _customers(table, types, data)
        case Acquisitions():
            return _acquisitions(table, types, data)


_NOBODY = Rule("missing_customer", "no customer id", "customer_id IS NULL")
_DUPLICATE = Rule("duplicate", "the same row again", "is_duplicate")
_STRANGER = Rule("unknown_customer", "somebody who is in no order", "NOT is_known")
_BAD_COST = Rule(
    "bad_cost",
    "a cost that is negative, no number or beyond all measure",
    "has_cost AND coalesce(cost < 0, true)",
)
_DATED = (
    _NOBODY,
    Rule("missing_date", "no date", "NOT has_date"),
    Rule(
        "bad_date",
        "a date that cannot be read; date_format says how it is written",
        "happened_at IS NULL",
    ),
    Rule(
        "impossible_date",
        "a date before 1980 or after 2099",
        "happened_at < TIMESTAMP '1980-01-01' OR happened_at >= TIMESTAMP '2100-01-01'",
    ),
)


def _times(
    column: str, table: Interactions | Contacts | Acquisitions, types: dict[str, str], data: Data
) -> dict[str, str]:
    written = _written(table, data)
    return {
        "has_date": f"{plain_text(column, types)} IS NOT NULL",
        "happened_at": timestamp(column, types, written),
        "ingested_at": timestamp(table.ingested_at, types, written),
    }


def _interactions(table: Interactions, types: dict[str, str], data: Data) -> Reading:
    kinds = {kind: kind for kind in get_args(Kind)} | table.kinds
    cases = " ".join(
        f"WHEN lower({literal(word.strip())}) THEN {literal(kind)}" for word, kind in kinds.items()
    )
    source = "source_interactions"
    return Reading(
        fields={
            "customer_id": id_text(table.customer_id, types, source),
            "other_id": id_text(table.other_customer_id, types, source),
            **_times(table.occurred_at, table, types, data),
            "kind": f"CASE lower({plain_text(table.kind, types)}) {cases} END",
            "value": number(table.value, types, data),
            "product_id": product_code(id_text(table.product_id, types, source), data),
            "item_category": plain_text(table.category, types),
            "words": plain_text(table.words, types),
            **_service_times(table, types, data),
        },
        content=(
            *("customer_id", "other_id", "happened_at", "kind", "value"),
            *("product_id", "item_category", "words"),
        ),
        rules=(
            *_DATED,
            Rule(
                "unknown_kind",
                "a kind that is not known; data.interactions.kinds says which it is",
                "kind IS NULL",
            ),
            Rule(
                "bad_score",
                "a satisfaction without a score from 0 to 10",
                "kind = 'satisfaction' AND coalesce(value NOT BETWEEN 0 AND 10, true)",
            ),
            Rule(
                "referral_of_nobody",
                "a referral that names nobody else",
                "kind = 'referral' AND coalesce(other_id = customer_id, true)",
            ),
            _DUPLICATE,
            # who refers a customer may have bought nothing so far
            Rule(
                _STRANGER.code,
                "a referral between people who are in no order",
                "kind = 'referral' AND NOT is_known AND NOT is_other_known",
            ),
        ),
        repeats=True,
        unread={
            "NOT is_known AND kind <> 'referral'": "data.interactions: {rows} rows are of people who "
            "have bought nothing: they count in the funnel alone."
        },
    )


def _service_times(table: Interactions, types: dict[str, str], data: Data) -> dict[str, str]:
    written = _written(table, data)
    columns = {name: getattr(table, name) for name in SERVICE_MINUTES}
    return {name: timestamp(column, types, written) for name, column in columns.items() if column}


def _written(table: Interactions | Contacts | Acquisitions, data: Data) -> Data:
    """The settings with the table's own way of writing dates."""
    return data.model_copy(update={"date_format": table.date_format or data.date_format})


def _contacts(table: Contacts, types: dict[str, str], data: Data) -> Reading:
    arm = plain_text(table.arm, types)
    controls = ", ".join(f"lower({literal(name)})" for name in table.control_arms)
    return Reading(
        fields={
            "customer_id": id_text(table.customer_id, types, "source_contacts"),
            **_times(table.contacted_at, table, types, data),
            "campaign": plain_text(table.campaign, types),
            "has_cost": f"{plain_text(table.cost, types)} IS NOT NULL",
            "cost": minor(number(table.cost, types, data), data.minor_units),
            "arm": arm,
            "is_control": f"coalesce(lower({arm}) IN ({controls}), false)" if controls else "false",
        },
        content=("customer_id", "happened_at", "campaign", "cost", "arm"),
        rules=(
            *_DATED,
            _BAD_COST,
            _DUPLICATE,
            _STRANGER,
        ),
        repeats=True,
        unread={},
    )


def _acquisitions(table: Acquisitions, types: dict[str, str], data: Data) -> Reading:
    return Reading(
        fields={
            "customer_id": id_text(table.customer_id, types, "source_acquisitions"),
            **_times(table.acquired_at, table, types, data),
            "channel": plain_text(table.channel, types),
            "has_cost": f"{plain_text(table.cost, types)} IS NOT NULL",
            "cost": minor(number(table.cost, types, data), data.minor_units),
        },
        content=("customer_id", "happened_at", "channel", "cost"),
        rules=(*_DATED, _BAD_COST, _DUPLICATE, _STRANGER),
        repeats=False,
        unread={},
    )


def _customers(table: Customers, types: dict[str, str], data: Data) -> Reading:
    fields = {
        "consent": yes_or_no(plain_text(table.consent, types)),
        "name": plain_text(table.name, types),
        "contact": plain_text(table.contact, types),
    }
    flags = {"unread_consent": (plain_text(table.consent, types), fields["consent"])}
    sentences = {
        "unread_consent": "data.customers.consent: {rows} values are neither yes nor no and say nothing."
    }
    written = data.model_copy(update={"date_format": table.date_format or data.date_format})
    for setting, column, field, flag in (
        ("cancelled_on", table.cancelled_on, "cancelled_at", "unread_cancellation"),
        ("started_on", table.started_on, "started_at", "unread_start"),
    ):
        if column:
            fields[field] = timestamp(column, types, written)
            flags[flag] = (plain_text(column, types), fields[field])
            sentences[flag] = (
                f"data.customers.{setting}: {{rows}} values are no dates and say nothing."
            )
    if table.term_months:
        fields["term_months"] = number(table.term_months, types, data)
        flags["unread_term"] = (plain_text(table.term_months, types), fields["term_months"])
        sentences["unread_term"] = (
            "data.customers.term_months: {rows} values are no numbers and say nothing."
        )
    for name, column in table.numbers.items():
        fields[number_column(name)] = number(column, types, data)
        flags[f"unread_{name}"] = (plain_text(column, types), number(column, types, data))
        sentences[f"unread_{name}"] = (
            f"data.customers.attributes.{name}: {{rows}} values are no numbers and say nothing."
        )
    for name, levels in table.levels.items():
        text = plain_text(table.attributes[name], types)
        for level, value in levels.items():
            fields[level_column(name, level)] = f"CAST({text} = {literal(value)} AS DOUBLE)"
        listed = ", ".join(map(literal, levels.values()))
        flags[f"unread_{name}"] = (text, f"CASE WHEN {text} IN ({listed}) THEN {text} END")
        sentences[f"unread_{name}"] = (
            f"data.customers.levels.{name}: {{rows}} values are none of the levels."
        )
    return Reading(
        fields={
            "customer_id": id_text(table.customer_id, types, "source_customers"),
            "ingested_at": "NULL::TIMESTAMP",
            **fields,
            **{
                flag: f"({text}) IS NOT NULL AND ({value}) IS NULL"
                for flag, (text, value) in flags.items()
            },
        },
        content=("customer_id", *fields),
        rules=(
            _NOBODY,
            Rule(
                "contradiction",
                "a customer of whom several rows say different things",
                "is_contradicted",
            ),
            _DUPLICATE,
            _STRANGER,
        ),
        repeats=False,
        unread=sentences,
    )


def yes_or_no(text: str) -> str:
    """SQL for an answer: true, false, or NULL where a text is neither."""
    yes, no = (", ".join(map(literal, answers)) for answers in (_YES, _NO))
    return (
        f"CASE WHEN lower({text}) IN ({yes}) THEN true WHEN lower({text}) IN ({no}) THEN false END"
    )
