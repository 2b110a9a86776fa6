"""Publishing fitted models as a bundle, and loading them back for a score run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.errors import DataError
from features.rows import Rows
from features.segments.clusters import Clusters
from training.backtest.evidence import BacktestEvidence
from training.bundle.in_force import put_in_force, why_foreign
from training.bundle.live_proof import LiveProof
from training.bundle.manifest import MANIFEST, Manifest, current_bundle, read_manifest, sha256_of
from training.errors import BundleError
from training.models.cancellation import AnyChurnModel
from training.models.estimator import Figures, read_json, write_json
from training.models.next_purchase import NextPurchaseModel
from training.recommend.model import RecommendationModel
from training.segments.cluster_search import ClusterModel
from training.settings import TrainingSettings
from training.stand_ins.churn import load_churn
from training.stand_ins.value import load_value
from training.value.description import Description
from training.value.model import ValueModel

GOLDEN = "golden.json"
GOLDEN_ROWS = 8


@dataclass(frozen=True)
class Models:
    """The models of one bundle, checked and ready to predict."""

    manifest: Manifest
    churn: AnyChurnModel
    value: ValueModel
    next_purchase: NextPurchaseModel
    recommendation: RecommendationModel | None
    clusters: Clusters | None
    evidence: BacktestEvidence | None = None


@dataclass(frozen=True)
class Kept:
    """A model carried over from another bundle or the registry, with its files as they are."""

    model: Any
    files: Path

    def save(self, directory: Path) -> None:
        shutil.copytree(self.files, directory)


def publish_bundle(
    bundles: Path, manifest: Manifest, fitted: Mapping[str, Any], golden: pd.DataFrame
) -> Path:
    """Write a bundle and make it the one in force; the caller holds `publication_lock`.

    The folder is complete, hashed and loadable before the pointer moves to it; readers
    see the old bundle or the new one.

    Parameters
    ----------
    bundles : the folder of bundles
    manifest : what is known so far; `files` is filled in here
    fitted : task name → fitted model, or `Kept`
    golden : made-up customers whose predictions are kept, see `golden_rows`

    Returns
    -------
    The folder of the new bundle.

    Raises
    ------
    BundleError
        When what was written predicts something else than what was fitted, or single customers
        would be scored otherwise than by a run.
    """
    bundle = bundles / manifest.bundle_id
    unfinished = bundles / f".{manifest.bundle_id}.unfinished"
    try:
        _write_bundle(unfinished, manifest, fitted, golden)
        load_models_of(unfinished)
        if LiveProof.name in fitted:
            LiveProof.load(unfinished / LiveProof.name).check()
        unfinished.replace(bundle)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    put_in_force(bundle)
    return bundle


def prune(bundles: Path, keep: int) -> list[str]:
    """Remove bundles that a rollback will not reach; the caller holds `publication_lock`.

    Kept are the bundle in force and the ones before it, one after the other, up to `keep`
    in all. Unfinished bundles of killed trainings are removed as well.

    Returns
    -------
    The names that were removed, in order.
    """
    reachable: list[str] = []
    name: str | None = current_bundle(bundles).name
    while name is not None and name not in reachable and len(reachable) < keep:
        reachable.append(name)
        try:
            name = read_manifest(bundles / name).previous
        except BundleError:
            break
    unreachable = sorted(
        path
        for path in bundles.iterdir()
        if path.is_dir() and path.name not in reachable and is_bundle(path)
    )
    for path in unreachable:
        shutil.rmtree(path, ignore_errors=True)
    return [path.name for path in unreachable]


def is_bundle(path: Path) -> bool:
    """Whether a folder is a bundle, or an unfinished one."""
    unfinished = path.name.startswith(".") and path.name.endswith(".unfinished")
    return unfinished or (path / MANIFEST).is_file()


def _write_bundle(
    folder: Path, manifest: Manifest, fitted: Mapping[str, Any], golden: pd.DataFrame
) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, model in fitted.items():
        model.save(folder / name)
    churn, value, dates = (_speaking(fitted[n]) for n in ("churn", "value", "next_purchase"))
    predictions = _golden_predictions(churn, value, dates, Rows.of(golden))
    tables: dict[str, Mapping[str, Any]] = {
        "features": {str(name): column for name, column in golden.items()},
        "predictions": predictions,
    }
    write_json(folder / GOLDEN, {name: _columns(table) for name, table in tables.items()})
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    hashes = {str(path.relative_to(folder)): sha256_of(path) for path in files}
    write_json(folder / MANIFEST, {**manifest.to_dict(), "files": hashes})


def load_models(settings: TrainingSettings) -> Models:
    """The models in force.

    Raises
    ------
    BundleError
        When there are none, they are damaged, or they predict another horizon or churn, or
        value in another currency or on another basis, than the configuration asks for.
    """
    models = load_models_of(current_bundle(settings.path(settings.store.bundles)))
    if (foreign := why_foreign(models.manifest, settings)) is not None:
        raise BundleError(f"the set of published models {foreign}. Run `regulars train`.")
    if models.churn.label != settings.predict.churn:
        raise BundleError(
            f"the published models predict {models.churn.label}, but predict.churn is "
            f"{settings.predict.churn}. Run `regulars train`."
        )
    basis, configured = models.value.clv_basis, settings.predict.value
    if configured not in ("auto", basis):
        raise BundleError(
            f"the published models predict {basis}, but predict.value is {configured}. "
            "Run `regulars train`."
        )
    return models


def load_models_of(bundle: Path) -> Models:
    """Load a bundle, check its hashes, and check the golden rows bit for bit.

    Raises
    ------
    BundleError
        When a file is missing or damaged, or predictions differ from those at publication.
    """
    manifest = read_manifest(bundle)
    try:
        models = _loaded(bundle, manifest)
        _check_golden(bundle / GOLDEN, models)
    except (ArithmeticError, DataError, LookupError, TypeError, ValueError) as error:
        raise BundleError(
            f"{bundle}: not models of this version ({type(error).__name__}). Run `regulars train`."
        ) from None
    return models


def _loaded(bundle: Path, manifest: Manifest) -> Models:
    return Models(
        manifest=manifest,
        churn=load_churn(bundle / "churn"),
        value=load_value(bundle / "value"),
        next_purchase=NextPurchaseModel.load(bundle / "next_purchase"),
        recommendation=(
            RecommendationModel.load(bundle / "recommendation")
            if "recommendation" in manifest.models
            else None
        ),
        clusters=(
            ClusterModel.load(bundle / ClusterModel.name).clusters_
            if (bundle / ClusterModel.name).exists()
            else None
        ),
        evidence=(
            BacktestEvidence.load(bundle / BacktestEvidence.name)
            if (bundle / BacktestEvidence.name).exists()
            else None
        ),
    )


def _golden_predictions(
    churn: AnyChurnModel, value: ValueModel, next_purchase: NextPurchaseModel, rows: Rows
) -> Figures:
    figures = Description(churn, value, next_purchase).figures(rows)
    return {name: np.broadcast_to(figure, len(rows)) for name, figure in figures.items()}


def golden_rows(features: pd.DataFrame) -> pd.DataFrame:
    """Made-up customers between the quantiles of the real ones in `features`.

    The most recent and the oldest customer have bought only once, so that predictions without a
    gap are checked too.
    """
    levels = np.linspace(0.05, 0.95, GOLDEN_ROWS)
    rows = features.quantile(levels).reset_index(drop=True)
    # a made-up customer must still be possible: the last purchase not after the date
    latest = rows["days_since_first_order"] - rows["days_since_last_order"]
    rows["first_to_last_days"] = np.where(rows["repeat_purchase_days"] > 0, latest.clip(lower=0), 0)
    rows["repeat_purchase_days"] = np.where(
        rows["first_to_last_days"] > 0, rows["repeat_purchase_days"].round(), 0
    )
    rows.loc[[0, GOLDEN_ROWS - 1], "repeat_purchase_days"] = 0
    repeated = rows["repeat_purchase_days"] > 0
    rows["first_to_last_days"] *= repeated
    rows["mean_gap_days"] = rows["mean_gap_days"].where(repeated)
    return rows


def golden_rows_of(bundle: Path, manifest: Manifest) -> pd.DataFrame:
    """The made-up customers of a bundle that has been checked."""
    golden = read_json(bundle / GOLDEN)
    return pd.DataFrame(golden["features"], dtype=float)[list(manifest.columns)]


def _speaking(model: Any) -> Any:
    return model.model if isinstance(model, Kept) else model


def _columns(table: Mapping[str, Any]) -> dict[str, list[float | None]]:
    return {
        str(name): [None if np.isnan(value) else float(value) for value in column]
        for name, column in table.items()
    }


def _check_golden(file: Path, models: Models) -> None:
    golden = read_json(file)
    columns = [golden["features"][name] for name in models.manifest.columns]
    # a table is made of them nowhere: who only scores does without pandas
    numbers = np.ascontiguousarray(np.array(columns, dtype=np.float64).T)
    rows = Rows(numbers, models.manifest.columns)
    predictions = _golden_predictions(models.churn, models.value, models.next_purchase, rows)
    if _columns(predictions) != golden["predictions"]:
        raise BundleError(
            f"{file.parent}: these models predict something else than when they were published. "
            "Run `regulars train`."
        )
