"""Publishing fitted models as a bundle, and loading them back for a score run."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from features.config import Settings
from features.errors import BundleError, DataError
from features.segments.clusters import Clusters
from training.estimator import read_json, write_json
from training.manifest import (
    CURRENT,
    MANIFEST,
    Manifest,
    current_bundle,
    read_manifest,
    sha256_of,
)
from training.models.churn import ChurnModel
from training.models.next_purchase import NextPurchaseModel
from training.models.recommendation import RecommendationModel
from training.models.value import ValueModel
from training.segments.clusters import ClusterModel

GOLDEN = "golden.json"
GOLDEN_ROWS = 8


@dataclass(frozen=True)
class Models:
    """The models of one bundle, checked and ready to predict."""

    manifest: Manifest
    churn: ChurnModel
    value: ValueModel
    next_purchase: NextPurchaseModel
    recommendation: RecommendationModel | None
    clusters: Clusters | None


def publish_bundle(
    bundles: Path, manifest: Manifest, fitted: Mapping[str, object], features: pd.DataFrame
) -> Path:
    """Write a bundle and make it the one in force.

    The folder is complete, hashed and loadable before the pointer moves to it; readers
    see the old bundle or the new one.

    Parameters
    ----------
    bundles : the folder of bundles
    manifest : what is known so far; `files` is filled in here
    fitted : task name → fitted model
    features : customers of the training's date, from whose quantiles the golden rows are made

    Returns
    -------
    The folder of the new bundle.
    """
    bundle = bundles / manifest.bundle_id
    unfinished = bundles / f".{manifest.bundle_id}.unfinished"
    try:
        _write_bundle(unfinished, manifest, fitted, features)
        load_models_of(unfinished)
        unfinished.replace(bundle)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    pointer = bundles / f".{CURRENT}.unfinished"
    pointer.write_text(manifest.bundle_id + "\n", encoding="utf-8")
    os.replace(pointer, bundles / CURRENT)  # noqa: PTH105 - the atomic step, named as such
    return bundle


def _write_bundle(
    folder: Path, manifest: Manifest, fitted: Mapping[str, object], features: pd.DataFrame
) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, model in fitted.items():
        model.save(folder / name)  # type: ignore[attr-defined]
    _write_golden(folder / GOLDEN, fitted, features)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    hashes = {str(path.relative_to(folder)): sha256_of(path) for path in files}
    write_json(folder / MANIFEST, {**manifest.to_dict(), "files": hashes})


def load_models(settings: Settings) -> Models:
    """The models in force.

    Raises
    ------
    BundleError
        When there are none, they are damaged, or they predict another horizon than the
        configuration asks for.
    """
    models = load_models_of(current_bundle(settings.path(settings.store.bundles)))
    wanted = settings.predict.horizon_days
    if models.manifest.horizon_days != wanted:
        raise BundleError(
            f"the published models predict {models.manifest.horizon_days} days, but "
            f"predict.horizon_days is {wanted}. Run `regulars train`."
        )
    return models


def load_models_of(bundle: Path) -> Models:
    """Load a bundle, check its hashes, and check the golden rows bit for bit.

    Raises
    ------
    BundleError
        When anything is missing, damaged or predicts something else than when published.
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
        churn=ChurnModel.load(bundle / "churn"),
        value=ValueModel.load(bundle / "value"),
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
    )


def _golden_predictions(
    churn: ChurnModel, value: ValueModel, next_purchase: NextPurchaseModel, rows: pd.DataFrame
) -> pd.DataFrame:
    risk = churn.predict(rows)
    dates = next_purchase.predict(rows, risk["churn_probability"].to_numpy())
    return pd.concat([risk, value.predict(rows), dates], axis=1)


def _write_golden(file: Path, fitted: Mapping[str, object], features: pd.DataFrame) -> None:
    """Made-up customers between the quantiles of real ones, and what the models say of them."""
    levels = np.linspace(0.05, 0.95, GOLDEN_ROWS)
    rows = features.quantile(levels).reset_index(drop=True)
    # a made-up customer must still be possible: the last purchase not after the date
    latest = rows["days_since_first_order"] - rows["days_since_last_order"]
    rows["first_to_last_days"] = np.where(rows["repeat_purchase_days"] > 0, latest.clip(lower=0), 0)
    rows["repeat_purchase_days"] = np.where(
        rows["first_to_last_days"] > 0, rows["repeat_purchase_days"].round(), 0
    )
    rows["first_to_last_days"] *= rows["repeat_purchase_days"] > 0
    said = _golden_predictions(
        fitted["churn"],  # type: ignore[arg-type]
        fitted["value"],  # type: ignore[arg-type]
        fitted["next_purchase"],  # type: ignore[arg-type]
        rows,
    )
    tables = {"features": rows, "predictions": said}
    write_json(file, {name: _columns(table) for name, table in tables.items()})


def _columns(table: pd.DataFrame) -> dict[str, list[float | None]]:
    return {
        str(name): [None if np.isnan(value) else float(value) for value in column]
        for name, column in table.items()
    }


def _check_golden(file: Path, models: Models) -> None:
    golden = read_json(file)
    rows = pd.DataFrame(golden["features"], dtype=float)[list(models.manifest.columns)]
    said = _golden_predictions(models.churn, models.value, models.next_purchase, rows)
    if _columns(said) != golden["predictions"]:
        raise BundleError(
            f"{file.parent}: these models predict something else than when they were published. "
            "Run `regulars train`."
        )
