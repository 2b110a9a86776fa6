"""Registered versions beside each other, as trainings left it."""

from features.language.message import Phrase, message
from serving.exhibits.exhibit import ExhibitMaker, Scene
from training.version_comparison import FEWEST


def _make(scene: Scene) -> dict[str, object] | Phrase:
    comparisons = scene.compared_versions
    if not any(comparisons.values()):
        return message(
            "No two versions were judged on the same days yet. Trainings up to the same date are "
            "compared, such as one with other settings; `regulars train` does so by itself."
        )
    return {"models": {name: entries for name, entries in comparisons.items() if entries}}


EXHIBIT = ExhibitMaker(
    name="versions_compared",
    title=message("Versions beside each other"),
    method=message(
        "By how much the newer version is better in the measure that decides promotion, on the days "
        "and customers that both were judged on: on all, per fold, by orders so far, and by tenths of the "
        "newer one's prediction, each with its 95 %% interval from a bootstrap over customers. Groups of "
        "fewer than %(fewest)s are left out. An interval with 0 in it says nothing of who is better.",
        fewest=FEWEST,
    ),
    make=_make,
)
