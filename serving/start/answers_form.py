"""What a person corrects on the page: the arguments of the next look at the orders."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from features.errors import ConfigError
from features.language.message import mark
from serving.start.fields import DISCOUNTS, FIELDS, TAXES, VERDICTS

NO_CURRENCY = mark("The currency is a code of three letters, such as EUR.")
NO_ZONE = mark("The time zone is a name such as Europe/London.")
FIELD = "field."
WORD = "word."


def corrected(
    arguments: Mapping[str, Any], outcome: Mapping[str, Any], sent: Mapping[str, str]
) -> dict[str, Any]:
    """The arguments of a look with what a form changes.

    Parameters
    ----------
    arguments, outcome : of the look whose page the form stands on
    sent : the form

    Raises
    ------
    ConfigError
        Listing each answer that cannot be one.
    """
    answers = dict(arguments.get("answers", {}))
    understanding = outcome["understanding"]
    problems = _place(answers, understanding, sent)
    if problems:
        raise ConfigError(problems)
    columns, left_out = _columns(arguments, answers, understanding, sent)
    answers["left_out"] = sorted(left_out)
    for name, choices in (("tax", TAXES), ("discount", DISCOUNTS)):
        if sent.get(name) in choices and sent[name] != understanding[name]:
            answers[name] = sent[name]
    answers["verdicts"] = _verdicts(answers, understanding, sent)
    carried = {
        name: arguments[name] for name in ("table", "query") if arguments.get(name) is not None
    }
    return {**carried, "location": outcome["location"], "columns": columns, "answers": answers}


def _place(
    answers: dict[str, Any], understanding: Mapping[str, Any], sent: Mapping[str, str]
) -> list[str]:
    problems = []
    currency = sent.get("currency", "").strip().upper()
    zone = sent.get("timezone", "").strip()
    if currency and currency != understanding["currency"]:
        answers["currency"] = currency
        if not (currency.isascii() and currency.isalpha() and len(currency) == 3):
            problems.append(NO_CURRENCY)
    if zone and zone != understanding["timezone"]:
        answers["timezone"] = zone
        if zone not in available_timezones():
            problems.append(NO_ZONE)
    return problems


def _columns(
    arguments: Mapping[str, Any],
    answers: Mapping[str, Any],
    understanding: Mapping[str, Any],
    sent: Mapping[str, str],
) -> tuple[dict[str, str], set[str]]:
    """Field → the column that the person says it is, and the fields that are left out."""
    read = {field["name"]: field["columns"][0] for field in understanding["fields"]}
    present = {column["name"] for column in understanding["columns"]}
    columns = dict(arguments.get("columns", {}))
    left_out = set(answers.get("left_out", ()))
    for field in FIELDS:
        chosen = sent.get(FIELD + field.name)
        if chosen is None or chosen == read.get(field.name, ""):
            continue
        columns.pop(field.name, None)
        left_out.discard(field.name)
        if chosen in present:
            columns[field.name] = chosen
        elif not chosen and field.can_be_left_out:
            left_out.add(field.name)
    return columns, left_out


def _verdicts(
    answers: Mapping[str, Any], understanding: Mapping[str, Any], sent: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    verdicts = {name: dict(words) for name, words in answers.get("verdicts", {}).items()}
    for number, word in enumerate(understanding["words"]):
        verdict = sent.get(f"{WORD}{number}")
        if verdict in VERDICTS and verdict != word["verdict"]:
            verdicts.setdefault(word["field"], {})[word["word"]] = verdict
    return verdicts
