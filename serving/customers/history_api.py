"""What was said about a customer before, and what happened."""

import json
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from serving.customers import schemas as models
from serving.customers.history import OrdersKnown, history
from serving.live.store import LiveStore
from serving.store.protocol import ScoreReader
from serving.web.params import JSON, HistoryQuery
from serving.web.paths import CustomerId
from serving.web.problems import declared


def history_routes(scores: ScoreReader, live: LiveStore) -> APIRouter:
    """Earlier runs' words about a customer."""
    router = APIRouter(prefix="/v1/customers", tags=["customers"])

    @router.get(
        "/{customer_id:path}/history",
        operation_id="getHistory",
        summary="What was said about a customer, run by run, and what happened",
        response_model=models.History,
        responses=declared(404, 422, 503),
    )
    def get_history(customer_id: CustomerId, query: Annotated[HistoryQuery, Query()]) -> Response:
        answers = scores.history(customer_id)
        orders_known = OrdersKnown(live.history(customer_id), scores.latest_run().info.as_of)
        entries = history(answers, orders_known)
        body = {"customer_id": customer_id, "runs": entries[: query.limit]}
        return Response(json.dumps(body, ensure_ascii=False), media_type=JSON)

    return router
