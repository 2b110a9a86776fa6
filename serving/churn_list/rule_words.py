"""Rules in the reader's words."""

from collections.abc import Callable, Mapping, Sequence

from features.errors import ConfigError
from features.language.message import mark
from serving.store.rule.fields import AudienceField, Heading, field_of
from serving.store.rule.tree import AudienceRule, Binding, RuleCondition, RuleGroup, folded
from serving.store.run import PublishedRun, RunInfo
from serving.web.words import Words

HEADINGS: Mapping[Heading, str] = {
    "risk": mark("Risk and rhythm"),
    "orders": mark("Orders, past and next"),
    "value": mark("Value"),
    "groups": mark("Segments"),
    "shop": mark("Your table of customers"),
    "scores": mark("Scores from 0 to 100"),
}

OPERATORS: Mapping[str, str] = {
    "any_of": mark("is any of"),
    "none_of": mark("is none of"),
    "span": mark("from … to …"),
    "next_days": mark("within the next … days"),
    "last_days": mark("in the last … days"),
    "before_days": mark("more than … days ago"),
    "contains": mark("contains"),
    "known": mark("has a value"),
    "unknown": mark("has no value"),
}

SENTENCES = {
    "any_of": mark("%(field)s: %(values)s"),
    "none_of": mark("%(field)s: not %(values)s"),
    "at_least": mark("%(field)s: %(low)s or more"),
    "at_most": mark("%(field)s: %(low)s or less"),
    "between": mark("%(field)s: %(low)s to %(high)s"),
    "next_days": mark("%(field)s: within the next %(days)s days"),
    "last_days": mark("%(field)s: in the last %(days)s days"),
    "before_days": mark("%(field)s: more than %(days)s days ago"),
    "contains": mark("%(field)s contains “%(values)s”"),
    "known": mark("%(field)s: has a value"),
    "unknown": mark("%(field)s: has no value"),
}
DATE_SENTENCES = {
    "at_least": mark("%(field)s: %(low)s or later"),
    "at_most": mark("%(field)s: %(low)s or earlier"),
}


class RuleWriter:
    """Writes rules for a reader.

    Parameters
    ----------
    words : the reader's language
    run : names segments and says the currency
    names : key of an item → what it is called
    """

    def __init__(self, words: Words, run: PublishedRun, names: Mapping[str, str]) -> None:
        self._words = words
        self._run = run
        self._names = names
        self._money = words.money(run.info, run.summary.money)

    def sentence(self, rule: AudienceRule) -> str:
        """The whole rule; conditions that the run cannot be asked as they are written."""
        text = folded(
            rule,
            self._condition,
            self._group,
            lambda part: self._words.say(
                "not %(rule)s", rule=part if part[0] == "(" else f"({part})"
            ),
        )
        return text[1:-1] if isinstance(rule, RuleGroup) else text

    def label(self, field: AudienceField) -> str:
        """What a field is called."""
        return field_label(field, self._words, self._run.info)

    def choice(self, field: AudienceField, value: str) -> str:
        """What a value is called."""
        if field.kind == "item":
            return self._names.get(value, value.partition(":")[2])
        return choice_label(field, value, self._words, self._run.info)

    def _group(self, binding: Binding, parts: Sequence[str]) -> str:
        between = self._words.say(" and ") if binding == "all" else self._words.say(" or ")
        return f"({between.join(parts)})"

    def _condition(self, condition: RuleCondition) -> str:
        try:
            field = field_of(condition.field, self._run.info)
        except ConfigError:
            return f"{condition.field}: {', '.join(condition.values)}"
        operator, values = condition.operator, condition.values
        told = {"field": self.label(field)}
        if operator in {"any_of", "none_of"}:
            between = self._words.say(" or ")
            told["values"] = between.join(self.choice(field, value) for value in values)
        elif operator in {"next_days", "last_days", "before_days"}:
            told["days"] = values[0]
        elif operator == "contains":
            told["values"] = values[0]
        elif values:
            told["low"], told["high"] = (
                self._figure(field, values[0]),
                self._figure(field, values[-1]),
            )
        sentences = SENTENCES | DATE_SENTENCES if field.kind == "date" else SENTENCES
        return self._words.say(sentences[operator], **told)

    def _figure(self, field: AudienceField, value: str) -> str:
        if field.kind == "date":
            return self._words.day(value)
        number = float(value)
        if field.unit == "money":
            return str(self._money(number))
        if field.unit == "probability":
            return self._words.share(number)
        return self._words.figure(number, 0 if number.is_integer() else 1)


def field_label(field: AudienceField, words: Words, run: RunInfo) -> str:
    """What a field is called in the reader's language."""
    return words.say(field.label) if field.label else words.system(field.name, run)


def choice_label(field: AudienceField, value: str, words: Words, run: RunInfo) -> str:
    """What one of its values is called."""
    named: Mapping[str, Callable[[str], str]] = {
        "risk": words.risk,
        "rhythm": words.rhythm,
        "consent": words.consent,
        "status": words.status,
    }
    if (name := named.get(field.name)) is not None:
        return name(value)
    return words.value(value, run, field.name)
