"""Reasons for a customer's risk and value: which sentences are used for whom, in words.

A sentence is used where three things hold: its fact is true, its group of contributions points
its way in the model, and that is the way of what is explained. Low risk is explained by what
lowers it, high and critical by what raises it, medium by the side of the shop's average on which
the customer lies; the value, by the side of the shop's average.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from features.language.message import Message, message
from features.rows import Floats, Rows
from features.settings.predict import RiskBands
from serving.scoring.reasons.averages import Averages
from serving.scoring.reasons.catalogue import SENTENCES
from serving.scoring.reasons.facts import CustomerFacts
from serving.scoring.reasons.sentence import About, Sentence
from serving.scoring.risk import retention_risk
from serving.scoring.sentences import FigureSlot, SentenceWriter, sentence_writer
from serving.scoring.sides import LEAST, Bools
from serving.scoring.wording import in_words

EFFECTS: dict[tuple[About, bool], tuple[str, Message]] = {
    ("risk", True): ("raises_risk", message("raises the risk")),
    ("risk", False): ("lowers_risk", message("lowers the risk")),
    ("value", True): ("raises_value", message("raises the value")),
    ("value", False): ("lowers_value", message("lowers the value")),
}
"""By what is moved and whether it rises: the word of the API, and the words for people."""

MOST: Mapping[About, int] = {"risk": 3, "value": 2}
"""How many reasons a customer is given at most."""

SCORE_OF: Mapping[About, str] = {"risk": "churn_probability", "value": "clv"}
"""The score that reasons are about."""

SURE = 2
LEAST_SHARE = 0.2
"""Beyond the first `SURE` reasons, a group below this share of the strongest is left out."""

FIGURE_DIGITS = 4

Signs = npt.NDArray[np.int8]


@dataclass(frozen=True)
class ChosenSentences:
    """The sentences of each customer, strongest first; customers × reasons.

    Attributes
    ----------
    number : of `SENTENCES`; −1: no further one
    used_topics : customers × topics; whether one of the sentences is about it
    """

    number: npt.NDArray[np.intp]
    used_topics: Bools


TOPICS = tuple(dict.fromkeys(sentence.topic for sentence in SENTENCES))
_TOPIC_OF = np.array([TOPICS.index(sentence.topic) for sentence in SENTENCES])


def direction(
    about: About,
    scores: Mapping[str, Floats],
    bands: RiskBands,
    averages: Averages,
    contributions: Rows,
) -> Signs:
    """The way of what is explained, per customer: 1 what raises the score, −1 what lowers it.

    Parameters
    ----------
    scores : `churn_probability` and `clv`, one per customer
    bands : edges of the bands of risk
    averages : of the shop; where it is not known, the average customer of the model stands in
    contributions : per feature plus `rhythm`, same rows: against that average customer
    """
    name = SCORE_OF[about]
    if name in averages:
        is_above = scores[name] > averages[name]
    else:
        is_above = contributions.numbers.sum(axis=1) > 0
    side = np.where(is_above, 1, -1).astype(np.int8)
    if about == "value":
        return side
    risk = retention_risk(scores[name], bands)
    return np.select([risk == "low", risk == "medium"], [np.int8(-1), side], np.int8(1))


def true_facts(facts: CustomerFacts) -> Bools:
    """Whether the fact of each sentence is true; customers × `SENTENCES`."""
    true = np.zeros((len(facts), len(SENTENCES)), dtype=bool)
    for number, sentence in enumerate(SENTENCES):
        true[:, number] = sentence.holds(facts)
        for figure in sentence.figures.values():
            true[:, number] &= np.isfinite(figure.of(facts))
    return true


def choose(
    about: About,
    directions: Signs,
    contributions: Rows,
    true: Bools,
    used_topics: Bools | None = None,
) -> ChosenSentences:
    """The strongest sentences about a score that qualify, one per topic.

    Parameters
    ----------
    about : which score
    directions : see `direction`
    contributions : per feature plus `rhythm`, one row per customer
    true : see `true_facts`
    used_topics : of sentences that were chosen before, which are not told again
    """
    effects = np.array([sentence.effect(about) for sentence in SENTENCES])
    strength = _group_sums(contributions) * effects
    qualifies = true & (effects == directions[:, None]) & (strength >= LEAST)
    if used_topics is not None:
        qualifies &= ~used_topics[:, _TOPIC_OF]
    remaining = np.where(qualifies, strength, 0.0)
    rows, most = np.arange(len(true)), MOST[about]
    number = np.full((len(true), most), -1, dtype=np.intp)
    topics = np.zeros((len(true), len(TOPICS)), dtype=bool)
    first = np.zeros(len(true))
    for position in range(most):
        best = remaining.argmax(axis=1)
        weight = remaining[rows, best]
        first = weight if position == 0 else first
        least = LEAST_SHARE * first if position >= SURE else 0.0
        is_chosen = (weight > 0) & (weight >= least)
        number[is_chosen, position] = best[is_chosen]
        topics[rows[is_chosen], _TOPIC_OF[best[is_chosen]]] = True
        remaining[_TOPIC_OF[best][:, None] == _TOPIC_OF] = 0.0
    return ChosenSentences(number, topics)


def _group_sums(contributions: Rows) -> Floats:
    """What the group of each sentence adds in all; customers × `SENTENCES`."""
    sums: dict[tuple[str, ...], Floats] = {}
    for sentence in SENTENCES:
        group = tuple(name for name in sentence.group if name in contributions)
        if sentence.group not in sums:
            sums[sentence.group] = contributions.aligned(group).sum(axis=1)
    return np.column_stack([sums[sentence.group] for sentence in SENTENCES])


def written(
    chosen: ChosenSentences, facts: CustomerFacts, about: About, currency: str
) -> npt.NDArray[np.object_]:
    """The sentences as JSON objects, customers × reasons; "" where there is none.

    Each has `code`, `about`, `effect` (see `EFFECTS`), `figures` by name and `text` in every
    language.
    """
    texts = np.full(chosen.number.shape, "", dtype=object)
    for number in np.unique(chosen.number[chosen.number >= 0]).tolist():
        customers, positions = np.nonzero(chosen.number == number)
        sentence = SENTENCES[number]
        selected = facts.at(customers)
        figures = [
            np.round(figure.of(selected), FIGURE_DIGITS).tolist()
            for figure in sentence.figures.values()
        ]
        write = _writer(number, about, currency)
        texts[customers, positions] = (
            [write(*values) for values in zip(*figures, strict=True)]
            if figures
            else [write()] * len(customers)
        )
    return texts


@cache
def _writer(number: int, about: About, currency: str) -> SentenceWriter:
    """What writes a sentence, from its figures in their order."""
    sentence: Sentence = SENTENCES[number]
    slots = {
        name: FigureSlot(position, in_words(figure.kind, currency))
        for position, (name, figure) in enumerate(sentence.figures.items())
    }
    effect, _ = EFFECTS[about, sentence.effect(about) > 0]
    document: dict[str, Any] = {
        "code": sentence.code,
        "about": about,
        "effect": effect,
        "figures": slots,
    }
    return sentence_writer(document, sentence.text.filled(**slots), list(slots.values()))
