"""Answers about single customers, ready-made in the store."""

import json
from collections.abc import Callable, Collection, Sequence
from functools import partial
from hashlib import blake2b
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import Field

from serving.customers import schemas as models
from serving.live.messages import ProductQuery
from serving.store.documents import RankedProduct
from serving.store.protocol import Document
from serving.web.context import AGES, RouteContext, at_once_or_in_thread
from serving.web.formats.content import still_known
from serving.web.formats.fields import ABOUT, FieldsOf, of_fields
from serving.web.params import JSON, RecommendationQuery, TextQuery, body_schema, json_body
from serving.web.paths import CustomerId
from serving.web.problems import declared

ProductsOf = Callable[[str, ProductQuery], Sequence[RankedProduct] | None]
"""The best products of a customer that pass filters; None where nobody can rank them now."""

Ids = Annotated[models.CustomerIds, Depends(json_body(models.CustomerIds))]


class CustomerQuery(TextQuery):
    """Which part of the answer to return."""

    fields: Annotated[list[str], FieldsOf(models.Customer)] = Field([], description=ABOUT)


def customer_routes(context: RouteContext, products_of: ProductsOf) -> APIRouter:
    """Answers about single customers; `products_of` ranks products anew."""
    store = context.scores
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
    def get_customers(ids: Ids, _query: Annotated[TextQuery, Query()]) -> Response:
        run, documents = store.customers(ids.customer_ids)
        results = [
            _unknown(customer_id) if document is None else document
            for customer_id, document in zip(ids.customer_ids, documents, strict=True)
        ]
        head = {"run_id": run.info.run_id, "as_of": run.info.as_of.isoformat()}
        start = json.dumps(head, ensure_ascii=False)[:-1].encode()
        body = b'%b,"results":[%b]}' % (start, b",".join(results))
        return Response(body, media_type=JSON, headers=context.ages(run))

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
        def read(*, at_once: bool) -> tuple[Document, int | None, dict[str, str]]:
            document = store.recommendations(customer_id, at_once=at_once)
            run = store.run_of(document.run_id, at_once=at_once)
            return document, run.info.sold_within_days, context.ages(run, at_once=at_once)

        stored, sold_within_days, headers = await at_once_or_in_thread(read)
        products = query.select(json.loads(stored.body))
        if len(products) < query.limit:
            # the run left too few of these: they are ranked now, where the scorer is there
            product_query = ProductQuery(**query.model_dump())
            ranked = await run_in_threadpool(products_of, customer_id, product_query)
            products = list(ranked or products)
        body = {
            "customer_id": customer_id,
            "run_id": stored.run_id,
            "sold_within_days": sold_within_days,
            "recommendations": products,
        }
        return Response(
            json.dumps(body, ensure_ascii=False),
            media_type=JSON,
            headers=headers,
        )

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
    async def get_customer(
        customer_id: CustomerId, query: Annotated[CustomerQuery, Query()], request: Request
    ) -> Response:
        # some fields, or one language, are another answer than the one of this ETag
        is_whole = not query.fields
        if_none_match = request.headers.get("if-none-match", "") if is_whole else ""
        answer = await at_once_or_in_thread(
            partial(customer_answer, context, customer_id, if_none_match)
        )
        return answer if is_whole else _part(answer, query.fields)

    return router


def customer_answer(
    context: RouteContext, customer_id: str, if_none_match: str, *, at_once: bool
) -> Response:
    """Everything about a customer, or that the caller knows it already.

    Raises `StoreBusy` where that cannot be had `at_once`.
    """
    document = context.scores.customer(customer_id, at_once=at_once)
    ages = context.ages(document.run_id, at_once=at_once)
    headers = {"ETag": _etag(document, customer_id), **ages}
    if if_none_match and still_known(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    body = document.body[:-1] + b',"score_pending":true}' if document.is_pending else document.body
    return Response(body, media_type=JSON, headers=headers)


def _part(answer: Response, fields: Collection[str]) -> Response:
    """Some fields of an answer."""
    text = json.dumps(of_fields(json.loads(bytes(answer.body)), fields), ensure_ascii=False)
    age_headers = {name: answer.headers[name] for name in AGES if name in answer.headers}
    return Response(text, media_type=JSON, headers=age_headers)


def _etag(document: Document, customer_id: str) -> str:
    # Hashed, since neither the run's nor the customer's id is sure to fit a header.
    identity = f"{document.run_id}\0{customer_id}"
    if document.live_no or document.is_pending:
        identity += f"\0{document.live_no}\0{document.is_pending}"
    digest = blake2b(identity.encode(), digest_size=12)
    return f'W/"{digest.hexdigest()}"'


def _unknown(customer_id: str) -> bytes:
    item = {"customer_id": customer_id, "status": "unknown"}
    return json.dumps(item, ensure_ascii=False).encode()
