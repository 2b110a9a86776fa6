"""Whom a rule holds of, told from the customer's document: slow, and each case by itself."""

from datetime import date, timedelta

from serving.scoring.contact_hash import contact_hash
from serving.store.rule.tree import NotRule, RuleGroup

IN_PROFILE = {
    "orders",
    "spend",
    "first_order_date",
    "last_order_date",
    "days_since_last_order",
    "usual_gap_days",
}
DATES = {"first_order_date", "last_order_date", "at_risk_on", "next_order_date"}


def holds(rule, document, *, as_of, items=(), hashed=None):
    """Whether a rule holds of the customer whose document this is.

    Parameters
    ----------
    items : on whose lists of likely buyers the customer stands
    hashed : of the mail address
    """

    def inner(part):
        return holds(part, document, as_of=as_of, items=items, hashed=hashed)

    if isinstance(rule, NotRule):
        return not inner(rule.part)
    if isinstance(rule, RuleGroup):
        return (all if rule.binding == "all" else any)(inner(part) for part in rule.parts)
    return condition_holds(rule, document, as_of, items, hashed)


def condition_holds(rule, document, as_of, items, hashed):
    if rule.field == "search":
        text = " ".join([document["customer_id"], document["name"] or ""]).casefold()
        words = rule.values[0].split()
        return all(
            contact_hash(word) == hashed if "@" in word else word.casefold() in text
            for word in words
        )
    if rule.field == "will_buy":
        on_one = bool({*items} & {*rule.values})
        return on_one if rule.operator == "any_of" else not on_one
    value = value_of(rule.field, document)
    if value is None:
        return rule.operator in {"none_of", "unknown"}
    if rule.field in DATES:
        return date_holds(rule, date.fromisoformat(value), as_of)
    return value_holds(rule, value)


def value_holds(rule, value):  # noqa: PLR0911
    match rule.operator:
        case "unknown":
            return False
        case "known":
            return True
        case "any_of":
            return value in rule.values
        case "none_of":
            return value not in rule.values
        case "at_least":
            return value >= float(rule.values[0])
        case "at_most":
            return value <= float(rule.values[0])
        case "between":
            return float(rule.values[0]) <= value <= float(rule.values[1])
    raise AssertionError(rule)


def date_holds(rule, day, as_of):  # noqa: PLR0911
    match rule.operator:
        case "known":
            return True
        case "unknown":
            return False
        case "next_days":
            return as_of <= day < as_of + timedelta(days=int(rule.values[0]))
        case "last_days":
            return as_of - timedelta(days=int(rule.values[0])) <= day < as_of
        case "before_days":
            return day < as_of - timedelta(days=int(rule.values[0]))
        case "at_least":
            return day >= date.fromisoformat(rule.values[0])
        case "at_most":
            return day <= date.fromisoformat(rule.values[0])
        case "between":
            first, last = map(date.fromisoformat, rule.values)
            return first <= day <= last
    raise AssertionError(rule)


def value_of(field, document):  # noqa: PLR0911
    if field == "risk":
        return document["retention_risk"]
    if field == "consent":
        return {True: "yes", False: "no", None: "unknown"}[document["consent"]]
    if field == "next_order_date":
        return document["next_order"]["date"]
    if field == "p_order_30d":
        return document["next_order"]["p_order_30d"]
    if field in IN_PROFILE:
        return document["profile"][field]
    if field in document["segments"]:
        return document["segments"][field]
    if field in document["indices"]:
        return document["indices"][field]
    return document[field]
