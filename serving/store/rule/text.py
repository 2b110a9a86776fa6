"""A rule as text, as addresses, commands and people write it.

    risk = high, critical and (clv >= 100 or spend between 200 and 500)
    next_order_date in next 7 days and not customer_country = DE
    search ~ "ann smith" and usual_gap_days is known

`and` binds more closely than `or`, `not` more closely than both. What holds signs or blanks
stands in double quotes, with a backslash before a quote or a backslash.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from features.errors import ConfigError
from serving.store.rule.tree import (
    MOST_LEVELS,
    AudienceRule,
    Binding,
    NotRule,
    Operator,
    RuleCondition,
    RuleGroup,
    checked_size,
    folded,
)

LONGEST_TEXT = 20_000

TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|(>=|<=|!=|[=~(),])|([^\s"(),=!<>~]+))', re.DOTALL)
PLAIN = re.compile(r'[^\s"(),=!<>~]+')
KEYWORDS = {"and", "or", "not", "is", "in", "over", "between"}
SIGNS: dict[str, Operator] = {
    "=": "any_of",
    "!=": "none_of",
    ">=": "at_least",
    "<=": "at_most",
    "~": "contains",
}
WRITTEN: dict[Operator, str] = {operator: sign for sign, operator in SIGNS.items()} | {
    "between": "between",
    "next_days": "in next",
    "last_days": "in last",
    "before_days": "over",
    "known": "is known",
    "unknown": "is unknown",
}
BEHIND: dict[Operator, str] = {
    "next_days": " days",
    "last_days": " days",
    "before_days": " days ago",
}


def rule_of_text(text: str) -> AudienceRule:
    """The rule that a text says.

    Raises
    ------
    ConfigError
        Saying where it cannot be read.

    Examples
    --------
    >>> rule_of_text("risk = high, critical")
    RuleCondition(field='risk', operator='any_of', values=('high', 'critical'))
    """
    if len(text) > LONGEST_TEXT:
        raise ConfigError(f"rule: it has at most {LONGEST_TEXT} characters.")
    return checked_size(_Reader(_tokens(text)).rule())


def text_of_rule(rule: AudienceRule) -> str:
    """What `rule_of_text` reads back.

    >>> text_of_rule(RuleCondition("next_order_date", "next_days", ("7",)))
    'next_order_date in next 7 days'
    """

    def group(binding: Binding, parts: Sequence[str]) -> str:
        return f"({(' and ' if binding == 'all' else ' or ').join(parts)})"

    text = folded(rule, _condition_text, group, lambda part: f"not {part}")
    is_group = isinstance(rule, RuleGroup)
    return text[1:-1] if is_group else text


def _condition_text(condition: RuleCondition) -> str:
    operator = condition.operator
    between = " and " if operator == "between" else ", "
    values = between.join(_value_text(value) for value in condition.values)
    words = filter(None, (_value_text(condition.field), WRITTEN[operator], values))
    return " ".join(words) + BEHIND.get(operator, "")


def _value_text(value: str) -> str:
    if PLAIN.fullmatch(value) and value.lower() not in KEYWORDS:
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class RuleToken(NamedTuple):
    """A piece of the text; one in quotes is neither a keyword nor a sign."""

    text: str
    is_quoted: bool = False
    is_sign: bool = False

    def is_word(self, word: str) -> bool:
        """Whether it is this keyword or sign."""
        return not self.is_quoted and self.text.lower() == word


def _tokens(text: str) -> list[RuleToken]:
    tokens: list[RuleToken] = []
    at = 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = TOKEN.match(stripped, at)
        if match is None:
            raise ConfigError(f"rule: cannot be read at {stripped[at : at + 30].strip()!r}.")
        quoted, sign, word = match.groups()
        if quoted is not None:
            text = re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
            tokens.append(RuleToken(text, is_quoted=True))
        else:
            tokens.append(RuleToken(sign or word, is_sign=sign is not None))
        at = match.end()
    return tokens


class _Reader:
    """Reads tokens from left to right."""

    def __init__(self, tokens: Sequence[RuleToken]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def rule(self) -> AudienceRule:
        rule = self._either()
        if self._at < len(self._tokens):
            raise ConfigError(f"rule: 'and' or 'or' is missing before {self._next_text()!r}.")
        return rule

    def _either(self) -> AudienceRule:
        return self._several("or", "any", self._both)

    def _both(self) -> AudienceRule:
        return self._several("and", "all", self._unit)

    def _several(
        self, word: str, binding: Binding, read: Callable[[], AudienceRule]
    ) -> AudienceRule:
        parts = [read()]
        while self._takes(word):
            parts.append(read())
        return parts[0] if len(parts) == 1 else RuleGroup(binding, tuple(parts))

    def _unit(self) -> AudienceRule:
        self._depth += 1
        if self._depth > 4 * MOST_LEVELS:
            raise ConfigError(f"rule: groups lie in groups at most {MOST_LEVELS} levels deep.")
        if self._takes("not"):
            unit: AudienceRule = NotRule(self._unit())
        elif self._takes("("):
            unit = self._either()
            self._needs(")")
        else:
            unit = self._condition()
        self._depth -= 1
        return unit

    def _condition(self) -> RuleCondition:
        field = self._value("a field")
        for sign, operator in SIGNS.items():
            if self._takes(sign):
                if operator in {"any_of", "none_of"}:
                    return RuleCondition(field, operator, self._values())
                return RuleCondition(field, operator, (self._value("a value"),))
        if self._takes("is"):
            word = self._value("known or unknown").lower()
            if word not in {"known", "unknown"}:
                raise ConfigError(f"rule: {field} is known, or is unknown; not {word!r:.40}.")
            return RuleCondition(field, "known" if word == "known" else "unknown")
        if self._takes("between"):
            low = self._value("a value")
            self._needs("and")
            return RuleCondition(field, "between", (low, self._value("a value")))
        return self._days(field)

    def _days(self, field: str) -> RuleCondition:
        if self._takes("over"):
            days = self._value("a number of days")
            self._needs("days", "day")
            self._needs("ago")
            return RuleCondition(field, "before_days", (days,))
        self._needs("in", before=f"behind {field!r:.40}: a sign such as =, or 'in next 7 days'")
        is_next = self._takes("next")
        if not is_next:
            self._needs("last")
        days = self._value("a number of days")
        self._needs("days", "day")
        return RuleCondition(field, "next_days" if is_next else "last_days", (days,))

    def _values(self) -> tuple[str, ...]:
        values = [self._value("a value")]
        while self._takes(","):
            values.append(self._value("a value"))
        return tuple(values)

    def _value(self, needed: str) -> str:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        is_value = token is not None and not token.is_sign
        if token is None or not is_value or any(map(token.is_word, KEYWORDS)):
            raise ConfigError(f"rule: {needed} is missing before {self._next_text()!r}.")
        self._at += 1
        return token.text

    def _takes(self, word: str) -> bool:
        if self._at == len(self._tokens):
            return False
        is_it = self._tokens[self._at].is_word(word)
        self._at += is_it
        return is_it

    def _needs(self, *words: str, before: str = "") -> None:
        if not any(self._takes(word) for word in words):
            what = before or repr(words[0])
            raise ConfigError(f"rule: {what} is missing before {self._next_text()!r}.")

    def _next_text(self) -> str:
        rest = " ".join(token.text for token in self._tokens[self._at : self._at + 4])
        return rest[:60] or "the end"
