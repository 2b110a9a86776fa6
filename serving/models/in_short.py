"""How right the models were, in sentences that need no statistics."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from features.language.message import mark
from serving.web.words import Money, Words

ENOUGH = 30
"""Customers of a band of whom at least a share is told."""


class ShortVerdict(NamedTuple):
    """What a model foretells, its grade (None: its runs are looked at, not its training), and how
    right it was.
    """

    model: str
    grade: str | None
    text: str


def short_verdicts(
    words: Words,
    tests: Mapping[str, Any] | None,
    promise: Mapping[str, Any] | None,
    money: Money,
) -> Iterator[ShortVerdict]:
    """A sentence or two per model of the exhibits `backtests` and `promise`.

    `money` writes amounts. Models of which neither exhibit tells anything are left out.
    """
    models = tests["models"] if tests else {}
    grades = {name: entry["grade"] for name, entry in models.items()}
    tellers = (
        ("churn", _of_churn(words, promise)),
        ("value", _of_value(words, promise, money)),
        ("next_purchase", _of_dates(words, models.get("next_purchase", {}))),
        ("recommendation", _of_products(words, models.get("recommendation", {}))),
    )
    for name, sentences in tellers:
        if text := " ".join(sentences):
            yield ShortVerdict(name, grades.get(name), text)


def _of_churn(words: Words, promise: Mapping[str, Any] | None) -> Iterator[str]:
    if not promise:
        return
    for band in promise["bands"]:
        if band["band"] in {"high", "low"} and band["customers"] >= ENOUGH:
            yield words.say(
                mark(
                    "Of 100 customers whom earlier runs called “%(band)s”, %(left)s did not come back."
                ),
                band=words.risk(band["band"]),
                left=words.whole(100 * band["happened"] / band["customers"]),
            )
    if promise["source"] == "backtest" and (tenths := promise["churn"]["deciles"]):
        yield words.say(
            mark(
                "Of 100 customers in the tenth with the highest risk, %(left)s did not come back; in the "
                "tenth with the lowest, %(fewest)s."
            ),
            left=words.whole(100 * tenths[-1]["happened"]),
            fewest=words.whole(100 * tenths[0]["happened"]),
        )


def _of_value(words: Words, promise: Mapping[str, Any] | None, money: Money) -> Iterator[str]:
    if not promise or not (tenths := promise["value"]["deciles"]):
        return
    best = tenths[-1]
    yield words.say(
        mark("The best tenth was predicted to bring %(said)s each and brought %(happened)s."),
        said=money(best["said"]),
        happened=money(best["happened"]),
    )
    if runs := [run for run in promise["runs"] if run["value_said"] > 0]:
        off = sum(abs(run["value_happened"] / run["value_said"] - 1) for run in runs) / len(runs)
        yield words.say(
            mark("The total of all customers was off by %(share)s on average."),
            share=words.share(off, 0),
        )


def _of_dates(words: Words, entry: Mapping[str, Any]) -> Iterator[str]:
    model, rule = _means(entry, "date_mae_days")
    if model is not None and rule is not None:
        yield words.say(
            mark(
                "The day of the next order was off by %(days)s on average (rule of thumb: %(rule)s)."
            ),
            days=words.days(model),
            rule=words.days(rule),
        )


def _of_products(words: Words, entry: Mapping[str, Any]) -> Iterator[str]:
    model, rule = _means(entry, "hit_at_10")
    if model is not None and rule is not None:
        yield words.say(
            mark(
                "%(hits)s of 100 customers bought at least one of the ten products named for them (what "
                "they bought most often: %(rule)s)."
            ),
            hits=words.whole(100 * model),
            rule=words.whole(100 * rule),
        )


def _means(entry: Mapping[str, Any], measure: str) -> tuple[float | None, float | None]:
    """A measure of the model and of its baseline, averaged over the folds of the backtest."""
    if not (backtest := entry.get("backtest")):
        return None, None
    means = []
    for contender in ("model", backtest["baseline"]):
        values = [fold["metrics"].get(contender, {}).get(measure) for fold in backtest["folds"]]
        numbers = [value for value in values if value is not None]
        means.append(sum(numbers) / len(numbers) if numbers else None)
    return means[0], means[1]
