"""Registered versions beside each other, as trainings left it."""

from features.language.message import Phrase, message
from serving.exhibits.exhibit import ExhibitMaker, Scene
from training.version_comparison import FEWEST


def _make(scene: Scene) -> dict[str, object] | Phrase:
    comparisons = scene.compared_versions
    if not any(comparisons.values()):
        return message(
            "There are no two versions of a model yet. `regulars train` compares a new version with the "
            "three before it."
        )
    return {"models": {name: entries for name, entries in comparisons.items() if entries}}


EXHIBIT = ExhibitMaker(
    name="versions_compared",
    title=message("Versions beside each other"),
    method=message(
        "By how much the newer version is better in the measure that decides promotion, on the days "
        "and customers that both were judged on: on all, per fold, by orders so far, and by tenths of the "
        "newer one's prediction, each with its 95 %% interval from a bootstrap over customers. Where "
        "they share no day, each is held beside the baseline on its own days. Groups of fewer than "
        "%(fewest)s are left out. An interval with 0 in it says nothing of who is better.",
        fewest=FEWEST,
    ),
    make=_make,
)
