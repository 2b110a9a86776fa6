"""The routes of `/v1` and the operators' calls: parse, call once, return."""

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Annotated, Any, TypedDict

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse

from features.errors import RegularsError
from serving import lists
from serving.api import models
from serving.api.params import (
    ChurnListQuery,
    RecommendationQuery,
    body_schema,
    json_body,
    wants_csv,
)
from serving.api.problems import NotReady, declared
from serving.paths import CustomerId
from serving.store import ChurnPage, Document, Store

JSON = "application/json"
CSV = "text/csv"

Ids = Annotated[models.CustomerIds, Depends(json_body(models.CustomerIds))]


class BundleInfo(TypedDict):
    """The published models, as their manifest names them: name → `version` and `grade`."""

    bundle_id: str
    models: Mapping[str, Mapping[str, str]]


def customer_routes(store: Store) -> APIRouter:
    """Answers about single customers."""
    router = APIRouter(prefix="/v1/customers", tags=["customers"])

    # These two before the customer itself, whose path would swallow theirs.
    @router.post(
        "/scores",
        operation_id="getCustomers",
        summary="Everything about up to 1,000 customers",
        response_model=models.Batch,
        responses=declared(400, 413, 415, 422, 503),
        openapi_extra=body_schema(models.CustomerIds),
    )
    def get_customers(ids: Ids) -> Response:
        run, documents = store.customers(ids.customer_ids)
        results = [
            _unknown(customer_id) if document is None else document
            for customer_id, document in zip(ids.customer_ids, documents, strict=True)
        ]
        head = {"run_id": run.info.run_id, "as_of": run.info.as_of.isoformat()}
        start = json.dumps(head, ensure_ascii=False)[:-1].encode()
        body = b'%b,"results":[%b]}' % (start, b",".join(results))
        return Response(body, media_type=JSON)

    @router.get(
        "/{customer_id:path}/recommendations",
        operation_id="getRecommendations",
        summary="Ranked products for a customer",
        response_model=models.Recommendations,
        responses=declared(404, 422, 503),
    )
    async def get_recommendations(
        customer_id: CustomerId, query: Annotated[RecommendationQuery, Query()]
    ) -> Response:
        found = store.recommendations(customer_id)
        body = {
            "customer_id": customer_id,
            "run_id": found.run_id,
            "recommendations": query.select(json.loads(found.body)),
        }
        return Response(json.dumps(body, ensure_ascii=False), media_type=JSON)

    @router.get(
        "/{customer_id:path}",
        operation_id="getCustomer",
        summary="Everything about a customer",
        response_model=models.Customer,
        responses={
            304: {"description": "The answer is still the one with this ETag"},
            **declared(404, 422, 503),
        },
    )
    async def get_customer(customer_id: CustomerId, request: Request) -> Response:
        found = store.customer(customer_id)
        headers = {"ETag": _etag(found, customer_id)}
        if _still_known(request.headers.get("if-none-match", ""), headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(found.body, media_type=JSON, headers=headers)

    return router


def list_routes(store: Store) -> APIRouter:
    """Lists of customers."""
    router = APIRouter(prefix="/v1", tags=["lists"])

    @router.get(
        "/churn-list",
        operation_id="getChurnList",
        summary="Customers at risk, as pages of JSON or as one CSV file",
        response_model=models.ChurnList,
        responses={
            200: {"content": {CSV: {"schema": {"type": "string"}}}},
            **declared(422, 503),
        },
    )
    def get_churn_list(query: Annotated[ChurnListQuery, Query()], request: Request) -> Response:
        as_csv = query.format == "csv" or (
            query.format is None and wants_csv(request.headers.get("accept", ""))
        )
        after = lists.decode_cursor(query.cursor, query.sort) if query.cursor else None
        page = store.churn_list(
            query.filter(),
            sort=query.sort,
            limit=lists.ROWS_PER_READ if as_csv else query.limit,
            after=None if as_csv else after,
        )
        return _csv_file(store, query, page) if as_csv else _json_page(query, page)

    return router


def operator_routes(store: Store, bundle: BundleInfo | None) -> APIRouter:
    """What speaks, and whether it can."""
    router = APIRouter(tags=["operations"])

    @router.get(
        "/v1/models",
        operation_id="getModels",
        summary="Models, grades and data behind the answers",
        response_model=models.Models,
        responses=declared(503),
    )
    def get_models() -> dict[str, Any]:
        info = store.latest_run().info
        return {
            **info.lineage(),
            "created_at": info.created_at,
            "clv_basis": info.clv_basis,
            "risk_bands": info.risk_bands,
            "bundle": bundle,
        }

    @router.get("/healthz", operation_id="getHealth", summary="Whether the process runs")
    async def get_health() -> models.Health:
        return models.Health(status="ok")

    @router.get(
        "/readyz",
        operation_id="getReadiness",
        summary="Whether the server can answer: store, run and models",
        responses=declared(503),
    )
    def get_readiness() -> models.Readiness:
        if bundle is None:
            raise NotReady("No set of models is loaded. `regulars train` publishes one.")
        try:
            run = store.latest_run()
        except RegularsError as error:
            raise NotReady(f"No score run can be read ({type(error).__name__}).") from error
        return models.Readiness(
            status="ready", run_id=run.info.run_id, bundle_id=bundle["bundle_id"]
        )

    return router


def _etag(found: Document, customer_id: str) -> str:
    # Hashed, since neither the run's nor the customer's id is sure to fit a header.
    digest = blake2b(f"{found.run_id}\0{customer_id}".encode(), digest_size=12)
    return f'"{digest.hexdigest()}"'


def _still_known(if_none_match: str, etag: str) -> bool:
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag in known or known == {"*"}


def _unknown(customer_id: str) -> bytes:
    item = {"customer_id": customer_id, "status": "unknown"}
    return json.dumps(item, ensure_ascii=False).encode()


def _json_page(query: ChurnListQuery, page: ChurnPage) -> Response:
    body = {
        **lists.run_fields(page.run),
        "total": page.totals.customers,
        "total_value_at_risk": page.totals.value_at_risk,
        "customers": [lists.item(document) for document in page.documents],
        "next_cursor": lists.encode_cursor(page.after, query.sort) if page.after else None,
    }
    return Response(
        json.dumps(body, ensure_ascii=False), media_type=JSON, headers={"Vary": "Accept"}
    )


def _csv_file(store: Store, query: ChurnListQuery, first: ChurnPage) -> Response:
    name = f"churn-list-{first.run.info.as_of.isoformat()}.csv"
    return StreamingResponse(
        lists.csv_lines(store, query.filter(), sort=query.sort, first=first),
        media_type=f"{CSV}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept"},
    )
