"""What speaks, and whether it can: for operators."""

import json
from typing import Any

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response

from features.errors import RegularsError
from serving.web import schemas as models
from serving.web.call import STRANGER, current_call
from serving.web.metrics import CONTENT_TYPE
from serving.web.problems import NotReady, declared
from serving.web.services import Services

EVIDENCE = {"backtests": "backtests", "ledger": "promise", "drift": "drift"}
"""Fields of `GET /v1/models` and the exhibits that fill them."""


def _exhibit(services: Services, run_id: str, name: str) -> dict[str, Any] | None:
    """The data of an exhibit; None where the run was made without."""
    body = services.stores.exhibits.exhibit(run_id, name)
    return None if body is None else json.loads(body)["data"]


def operator_routes(services: Services) -> APIRouter:
    """What speaks, and whether it can."""
    store, bundle = services.scores, services.bundle
    router = APIRouter(tags=["operations"])

    @router.get(
        "/v1/models",
        operation_id="getModels",
        summary="Models, grades and data behind the answers",
        response_model=models.Models,
        responses=declared(503),
    )
    def get_models(response: Response) -> dict[str, Any]:
        run = store.latest_run()
        info = run.info
        response.headers.update(services.ages(run))
        return {
            **info.lineage(),
            "created_at": info.created_at,
            "clv_basis": info.clv_basis,
            "risk_bands": info.risk_bands,
            "bundle": bundle,
            **{field: _exhibit(services, info.run_id, name) for field, name in EVIDENCE.items()},
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
        if services.lifecycle.stopping:
            raise NotReady("The server is stopping.")
        if bundle is None:
            raise NotReady("No set of models is loaded. `regulars train` publishes one.")
        try:
            run = store.latest_run()
        except RegularsError as error:
            raise NotReady(f"No score run can be read ({type(error).__name__}).") from error
        if current_call.get().caller == STRANGER:
            return models.Readiness(
                status="ready",
                run_id=None,
                bundle_id=None,
                scorer=services.scorer_state,
                scores_pending=None,
            )
        return models.Readiness(
            status="ready",
            run_id=run.info.run_id,
            bundle_id=bundle["bundle_id"],
            scorer=services.scorer_state,
            scores_pending=services.stores.live.counts().waiting,
        )

    @router.get(
        "/metrics",
        operation_id="getMetrics",
        summary="Figures for Prometheus",
        response_class=PlainTextResponse,
    )
    def get_metrics() -> Response:
        return Response(services.metrics.text(), media_type=CONTENT_TYPE)

    return router
