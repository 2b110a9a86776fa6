"""Answers of the models alone: nothing is read from the store, nothing is kept."""

import json
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from serving.errors import ScorerAway
from serving.live import schemas as live_models
from serving.live.messages import (
    LoneRequest,
    Message,
    PopularRequest,
    ProductQuery,
    lone_answer,
    message_of,
    popular_answer,
)
from serving.live.worker import ScoresOne
from serving.store.documents import CustomerDocument
from serving.web.params import JSON, PopularQuery, TextQuery, body_schema, json_body
from serving.web.problems import declared

Request = Annotated[live_models.ScoreRequest, Depends(json_body(live_models.ScoreRequest))]


def live_routes(scorer: ScoresOne | None) -> APIRouter:
    """Answers of the models alone."""
    router = APIRouter(prefix="/v1", tags=["live"])

    @router.post(
        "/score",
        operation_id="score",
        summary="A prediction from a customer's orders, which are not kept",
        response_model=live_models.Prediction,
        responses=declared(400, 408, 413, 415, 422, 503),
        openapi_extra=body_schema(live_models.ScoreRequest),
    )
    def score(request: Request, _query: Annotated[TextQuery, Query()]) -> Response:
        answer = lone_answer(ask(request.to_request()))
        aside = [{"line": number, "reason": reason} for number, reason in answer.put_aside]
        body = {
            **_alone(answer.document),
            "put_aside": aside,
            "features_unknown": answer.features_unknown,
        }
        return Response(json.dumps(body, ensure_ascii=False), media_type=JSON)

    @router.get(
        "/recommendations",
        operation_id="getPopularProducts",
        summary="Products for somebody who has not ordered yet",
        response_model=live_models.PopularProducts,
        responses=declared(422, 503),
    )
    def get_popular_products(query: Annotated[PopularQuery, Query()]) -> Response:
        answer = popular_answer(ask(PopularRequest(query=ProductQuery(**query.model_dump()))))
        return Response(json.dumps(vars(answer), ensure_ascii=False), media_type=JSON)

    def ask(request: LoneRequest | PopularRequest) -> Message:
        if scorer is None:
            raise ScorerAway("this server was started without a scorer")
        return scorer.ask(message_of(request))

    return router


OF_A_RUN = {
    *("churn_percentile", "segments", "indices", "profit", "referral_value", "since_last_run"),
    *("contact_effect", "contact_effect_low", "contact_effect_high"),
    *("expected_profit", "suggested_action", "name", "consent"),
}
"""What an answer about orders alone does not tell."""


def _alone(document: CustomerDocument) -> CustomerDocument:
    """A document without what only a run can say."""
    fields = {name: value for name, value in document.items() if name not in OF_A_RUN}
    lineage = {
        name: value
        for name, value in document["lineage"].items()
        if name not in {"run_id", "data_fingerprint"}
    }
    return cast("CustomerDocument", {**fields, "lineage": lineage})
