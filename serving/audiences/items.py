"""Items that rules name: which of them the run has a list of likely buyers of."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from features.language.message import Message, message
from serving.store.likely_buyers import ItemForecast
from serving.store.rule.tree import AudienceRule, conditions_of

MOST_NAMED = 3
LEAST_LIKENESS = 0.4


def items_of(rule: AudienceRule) -> Iterator[str]:
    """Keys of the items whose likely buyers a rule asks for."""
    for condition in conditions_of(rule):
        if condition.field == "will_buy":
            yield from condition.values


def unlisted(rule: AudienceRule, items: Sequence[ItemForecast]) -> list[str]:
    """Those of them that have no list, each once."""
    listed = {item.key for item in items}
    return [key for key in dict.fromkeys(items_of(rule)) if key not in listed]


def refusal(key: str, items: Sequence[ItemForecast]) -> Message:
    """Why a new rule cannot ask for an item, with the closest that it can ask for."""
    if closest := _closest(key, items):
        return message(
            "will_buy: there is no list of likely buyers of %(item)s. The closest: %(closest)s.",
            item=key,
            closest=", ".join(closest),
        )
    return message("will_buy: there is no list of likely buyers of %(item)s.", item=key)


def gone(key: str) -> Message:
    """What a saved rule loses by an item that has no list any more."""
    return message(
        "%(item)s is no longer sold, or too rarely for a list of likely buyers: nobody counts as one.",
        item=key,
    )


def _closest(key: str, items: Sequence[ItemForecast]) -> list[str]:
    kind, _, typed = key.rpartition(":")
    keys: dict[str, str] = {}
    for item in items:
        if kind in {"", item.kind}:
            for text in (item.item_id, item.name or item.item_id):
                keys.setdefault(text.lower(), item.key)
    like = get_close_matches(typed.lower(), keys, n=2 * MOST_NAMED, cutoff=LEAST_LIKENESS)
    return list(dict.fromkeys(keys[text] for text in like))[:MOST_NAMED]
