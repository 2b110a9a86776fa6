"""How the models of a run did in their backtest, and what the latest training offered."""

from dataclasses import asdict

from features.language.message import Phrase, message
from serving.exhibits.exhibit import ExhibitMaker, Scene


def _make(scene: Scene) -> dict[str, object] | Phrase:
    manifest = scene.manifest
    return {
        "bundle_id": manifest.bundle_id,
        "mlflow_run_id": manifest.mlflow_run_id,
        "trained_as_of": manifest.as_of,
        "customers": manifest.customers,
        "prior_share": manifest.prior_share,
        "grade_rule": scene.evidence.grade_rule if scene.evidence else None,
        "models": {
            name: {**asdict(entry), "backtest": _backtest(scene, name, entry.version)}
            for name, entry in manifest.models.items()
        },
        "last_training": scene.last_training,
    }


def _backtest(scene: Scene, name: str, version: str) -> dict[str, object] | None:
    """What the training left of this version; None where it left nothing."""
    task = scene.evidence.tasks.get(name) if scene.evidence else None
    return task if task is not None and task["version"] == version else None


EXHIBIT = ExhibitMaker(
    name="backtests",
    title=message("Models against their baselines"),
    method=message(
        "Each model beside its named baseline on the same past days, fold by fold, as the training "
        "judged it; what was said beside what happened by tenths of the prediction, all folds "
        "together. A model that was promoted later without its own training's evidence has none."
    ),
    make=_make,
)
