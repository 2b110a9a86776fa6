"""A bound rule as a bitmap of places, and the texts that searches look at."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence

from pyroaring import BitMap

from serving.store.rule.binding import BoundCondition, BoundRule
from serving.store.rule.figures import searched_words
from serving.store.rule.tree import Binding, folded

LINE = "\n"


class SearchTexts:
    """The texts of customers in the order of their places, as one: searches run over all at once.

    Parameters
    ----------
    texts : as `serving.store.rule.figures.search_text` writes them; None: nothing is known
    """

    def __init__(self, texts: Iterable[str | None]) -> None:
        lines = [(text or "").replace(LINE, " ") for text in texts]
        self._starts = []
        start = 0
        for line in lines:
            self._starts.append(start)
            start += len(line) + 1
        self._joined = LINE.join(lines)

    def containing(self, text: str) -> BitMap:
        """The places of whom every word of `text` is found; see `searched_words`."""
        places = [self._having(word) for word in searched_words(text)]
        return BitMap.intersection(*places) if places else BitMap()

    def _having(self, word: str) -> BitMap:
        places, at = [], self._joined.find(word)
        while at >= 0:
            place = bisect_right(self._starts, at) - 1
            places.append(place)
            if place + 1 == len(self._starts):
                break
            at = self._joined.find(word, self._starts[place + 1])
        return BitMap(places)


def places_of_rule(
    rule: BoundRule, positive: Callable[[BoundCondition], BitMap], everyone: BitMap
) -> BitMap:
    """Whom a rule holds of.

    Parameters
    ----------
    positive : whom a condition holds of; of `none_of` and `unknown`, its opposite
    """

    def leaf(condition: BoundCondition) -> BitMap:
        holding = positive(condition)
        return everyone - holding if condition.operator in {"none_of", "unknown"} else holding

    def group(binding: Binding, parts: Sequence[BitMap]) -> BitMap:
        if binding == "all":
            return BitMap.intersection(everyone, *parts)
        return BitMap().union(*parts)

    return folded(rule, leaf, group, lambda part: everyone - part)
