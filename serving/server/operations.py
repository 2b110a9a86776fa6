"""What speaks, and whether it can: for operators."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse, Response

from features.errors import RegularsError
from serving.exhibits.store import ExhibitStore
from serving.models.bundle_info import BundleInfo, BundleNow
from serving.server import schemas as models
from serving.server.metrics import CONTENT_TYPE
from serving.store.economics import RunEconomics
from serving.store.last_good import LastGood
from serving.store.run import PublishedRun
from serving.web.call import STRANGER, current_call
from serving.web.context import RouteContext
from serving.web.params import TextQuery
from serving.web.problems import NotReady, declared

EVIDENCE = {"backtests": "backtests", "ledger": "promise", "drift": "drift"}
"""Fields of `GET /v1/models` and the exhibits that fill them."""


@dataclass(frozen=True, kw_only=True)
class OperatorInfo:
    """What operators are told of the server.

    Attributes
    ----------
    bundle : the set of models in force that the server has checked; None if there is none yet
    scorer_state : whether new orders are scored at once
    scores_pending : how many customers wait for a score
    metrics_text : figures for Prometheus
    """

    bundle: BundleNow
    is_stopping: Callable[[], bool]
    scorer_state: Callable[[], Literal["ready", "starting", "none"]]
    scores_pending: Callable[[], int]
    metrics_text: Callable[[], bytes]


def _suggestions(economics: RunEconomics) -> dict[str, object]:
    """Whether what is suggested was measured, or comes from rules."""
    treatment = economics.get("treatment")
    return {"source": "rules" if treatment is None else "measured", "treatment": treatment}


def _exhibit(exhibits: ExhibitStore, run_id: str, name: str) -> dict[str, object] | None:
    """The data of an exhibit; None where the run was made without."""
    body = exhibits.exhibit(run_id, name)
    return None if body is None else json.loads(body)["data"]


def readable_run(store: LastGood, bundle: BundleInfo | None) -> PublishedRun:
    """The run that answers come from.

    Raises
    ------
    NotReady
        Saying why there can be none.
    """
    if bundle is None:
        raise NotReady("No set of models is loaded. `regulars train` publishes one.")
    try:
        run = store.latest_run()
    except RegularsError as error:
        raise NotReady(f"No score run can be read ({type(error).__name__}).") from error
    if store.is_lost:
        raise NotReady("The file of the store is gone or damaged.")
    return run


def operator_routes(context: RouteContext, exhibits: ExhibitStore, info: OperatorInfo) -> APIRouter:
    """What speaks, and whether it can."""
    store = context.scores
    router = APIRouter(tags=["operations"])

    @router.get(
        "/v1/models",
        operation_id="getModels",
        summary="Models, grades and data behind the answers",
        response_model=models.Models,
        responses=declared(422, 503),
    )
    def get_models(_query: Annotated[TextQuery, Query()], response: Response) -> dict[str, object]:
        run = store.latest_run()
        response.headers.update(context.ages(run))
        return {
            **run.info.lineage(),
            "created_at": run.info.created_at,
            "clv_basis": run.info.clv_basis,
            "risk_bands": run.info.risk_bands,
            "bundle": info.bundle(),
            "suggestions": _suggestions(run.info.economics),
            **{
                field: _exhibit(exhibits, run.info.run_id, name) for field, name in EVIDENCE.items()
            },
        }

    @router.get("/healthz", operation_id="getHealth", summary="Whether the process runs")
    async def get_health() -> models.Health:
        return models.Health(status="ok")

    @router.get(
        "/readyz",
        operation_id="getReadiness",
        summary="Whether the server can answer: store, run and models; if not, why not",
        responses=declared(503),
    )
    def get_readiness() -> models.Readiness:
        if info.is_stopping():
            raise NotReady("The server is stopping.")
        bundle = info.bundle()
        run = readable_run(store, bundle)
        if current_call.get().caller == STRANGER:
            return models.Readiness(
                status="ready",
                run_id=None,
                bundle_id=None,
                scorer=info.scorer_state(),
                scores_pending=None,
            )
        return models.Readiness(
            status="ready",
            run_id=run.info.run_id,
            bundle_id=None if bundle is None else bundle["bundle_id"],
            scorer=info.scorer_state(),
            scores_pending=info.scores_pending(),
        )

    @router.get(
        "/metrics",
        operation_id="getMetrics",
        summary="Figures for Prometheus",
        response_class=PlainTextResponse,
    )
    def get_metrics() -> Response:
        return Response(info.metrics_text(), media_type=CONTENT_TYPE)

    return router
