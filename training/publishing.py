"""The last step of a training: what was promoted, what stays and what stands in become a bundle."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from features.errors import Busy, NotEnoughData
from features.orders.log import OrderLog
from training.backtest.backtest import Backtest, Progress
from training.backtest.evidence import BacktestEvidence
from training.bundle.in_force import publication_lock
from training.bundle.live_proof import LiveProof
from training.bundle.manifest import Manifest, ModelEntry, name_in_force
from training.bundle.publication import Kept, golden_rows, prune, publish_bundle
from training.bundle.shop_identity import claimed_identity
from training.models.estimator import write_json
from training.promotion.promotion import Champion, Verdict
from training.repetition import LAST_TRAINING, MADE_FROM
from training.segments.cluster_search import ClusterModel
from training.settings import TrainingSettings

if TYPE_CHECKING:
    from training.tracking.mlflow_runs import Tracker


@dataclass(frozen=True)
class TrainedModels:
    """The outcome of a training, from which a bundle can be published.

    `made_from`: see `training.repetition`.
    `stand_ins` maps the tasks that neither a new model nor a champion answers to their baselines.
    """

    run_id: str
    backtest: Backtest
    versions: Mapping[str, str]
    verdicts: Mapping[str, Verdict]
    fitted: Mapping[str, Any]
    stand_ins: Mapping[str, Any]
    features: pd.DataFrame
    prior_share: float
    instead_of: str | None
    proof: LiveProof
    made_from: str

    def models(self, champion: Champion | None) -> dict[str, Any] | None:
        """The models of the next bundle by task name; None where the champions all stay.

        A refused model is replaced by the champion's, where that can stay, and else by its
        named baseline: no task waits for another.
        """
        if not self.stand_ins and not any(verdict.promoted for verdict in self.verdicts.values()):
            return None
        models: dict[str, Any] = {}
        for name, verdict in self.verdicts.items():
            if verdict.promoted:
                models[name] = self.fitted[name]
            elif name in self.stand_ins:
                models[name] = self.stand_ins[name]
            elif champion is not None:
                models[name] = Kept(champion.fitted()[name], champion.folder / name)
        return models


def publish(
    log: OrderLog[TrainingSettings],
    candidate: TrainedModels,
    champion: Champion | None,
    tracker: "Tracker",
    progress: Progress,
) -> Path | None:
    """Publish what was promoted and what stands in; returns the bundle, None where there is none.

    Raises
    ------
    BundleError
        See `publish_bundle`.
    Busy
        When the champion changed while the training ran.
    """
    settings = log.settings
    bundles = settings.path(settings.store.bundles)
    models = candidate.models(champion)
    with publication_lock(bundles):
        if name_in_force(bundles) != candidate.instead_of:
            raise Busy(
                "the champion changed while this training ran, so its models were registered and "
                "not published. Compare them with the new one: regulars promote"
            )
        bundle = None
        if models is not None:
            manifest = _manifest(log, candidate, models, champion)
            models |= _clusters(settings, candidate.features)
            models[BacktestEvidence.name] = _evidence(
                candidate, manifest, champion, settings.predict.risk.model_dump()
            )
            models[LiveProof.name] = candidate.proof
            bundle = publish_bundle(bundles, manifest, models, golden_rows(candidate.features))
            progress(f"published {bundle.name}")
            # only a published model is champion, so the alias is set after the bundle
            tracker.crown(manifest)
            prune(bundles, settings.store.keep_bundles)
        for name, verdict in candidate.verdicts.items():
            stays = bundle is None or not verdict.promoted
            # the same model again is no challenger of itself
            if stays and (champion is None or champion.version(name) != candidate.versions[name]):
                tracker.challenge(name, candidate.versions[name])
        write_json(bundles / LAST_TRAINING, _last_training(log, candidate))
    return bundle


def _manifest(
    log: OrderLog[TrainingSettings],
    candidate: TrainedModels,
    models: Mapping[str, Any],
    champion: Champion | None,
) -> Manifest:
    plan, results = candidate.backtest.plan, candidate.backtest.results
    entries = {}
    for result in results:
        name = result.task.name
        if name in models and isinstance(models[name], Kept):
            assert champion is not None  # noqa: S101 - from whom it was kept
            entries[name] = champion.manifest.models[name]
        elif name in candidate.stand_ins:
            entries[name] = ModelEntry.standing_in(
                result.task.baseline,
                result.task.measure,
                as_of=plan.as_of.isoformat(),
                reason=candidate.verdicts[name].reason,
            )
        elif name in models:
            entries[name] = ModelEntry.graded(
                candidate.versions[name],
                result.grade,
                as_of=plan.as_of.isoformat(),
                reason=candidate.verdicts[name].reason,
            )
    numbers = "-".join(entries[name].version for name in sorted(entries))
    return Manifest(
        bundle_id=f"{plan.as_of.isoformat()}-{numbers}-{candidate.run_id[:8]}",
        as_of=max(plan.as_of.isoformat(), *(entry.as_of for entry in entries.values())),
        horizon_days=plan.horizon_days,
        currency=log.settings.data.currency,
        data_fingerprint=log.fingerprint,
        columns=tuple(candidate.features.columns),
        mlflow_run_id=candidate.run_id,
        models=entries,
        files={},
        previous=champion.manifest.bundle_id if champion else None,
        customers=len(candidate.features),
        prior_share=candidate.prior_share,
        shop=claimed_identity(log.settings.path(log.settings.store.bundles)),
    )


def _evidence(
    candidate: TrainedModels,
    manifest: Manifest,
    champion: Champion | None,
    bands: Mapping[str, float],
) -> BacktestEvidence:
    kept_versions = {
        name: entry.version
        for name, entry in manifest.models.items()
        if entry.version != candidate.versions.get(name)
    }
    evidence = BacktestEvidence.of(
        candidate.backtest, candidate.versions, candidate.features, bands
    )
    return evidence.with_kept(champion.models.evidence if champion else None, kept_versions)


def _last_training(log: OrderLog[TrainingSettings], candidate: TrainedModels) -> dict[str, Any]:
    """The latest training as pages show it: which models were promoted, and why; and its orders."""
    return {
        MADE_FROM: candidate.made_from,
        "data_fingerprint": log.fingerprint,
        "orders": log.report.orders,
        "as_of": candidate.backtest.plan.as_of.isoformat(),
        "mlflow_run_id": candidate.run_id,
        "models": {
            result.task.name: {
                "version": candidate.versions[result.task.name],
                "grade": result.grade.to_dict(),
                **asdict(candidate.verdicts[result.task.name]),
            }
            for result in candidate.backtest.results
        },
    }


def _clusters(settings: TrainingSettings, features: pd.DataFrame) -> dict[str, ClusterModel]:
    """Customer clusters by task name; none where the customers are too few or too alike."""
    model = ClusterModel(search=settings.segments.clusters, seed=settings.train.seed)
    try:
        return {model.name: model.fit(features)}
    except NotEnoughData:
        return {}
