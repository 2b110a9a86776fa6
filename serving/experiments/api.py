"""Readings of experiments that `regulars experiment --keep` has kept."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import AfterValidator

from serving.experiments import schemas as models
from serving.experiments.kept_experiment import KeptExperiment
from serving.experiments.store import ExperimentStore
from serving.web.paths import decoded_part
from serving.web.problems import declared

ExperimentName = Annotated[
    str,
    Path(min_length=1, description="As in `GET /v1/experiments`, percent-encoded"),
    AfterValidator(decoded_part),
]


def experiment_routes(store: ExperimentStore) -> APIRouter:
    """Experiments."""
    router = APIRouter(prefix="/v1/experiments", tags=["campaigns"])

    @router.get(
        "",
        operation_id="getExperiments",
        summary="Readings of randomised experiments, the latest first",
        response_model=models.ExperimentList,
        responses=declared(503),
    )
    def get_experiments() -> dict[str, list[KeptExperiment]]:
        return {"experiments": store.all()}

    @router.get(
        "/{name}",
        operation_id="getExperiment",
        summary="One reading: effects raw and adjusted, groups that differ, who can be persuaded",
        response_model=models.Experiment,
        responses=declared(404, 422, 503),
    )
    def get_experiment(name: ExperimentName) -> KeptExperiment:
        return store.experiment(name)

    return router
