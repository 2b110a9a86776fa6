"""The churn list: pages of JSON, or the whole as a file."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import Field
from starlette.background import BackgroundTask

from features.errors import ConfigError
from serving.churn_list import lists
from serving.churn_list import schemas as models
from serving.churn_list.row_text import page_text
from serving.churn_list.workbook import list_workbook
from serving.contacts.left_out import ContactableList, LeftOut, contactable
from serving.memory import give_back
from serving.store.protocol import ChurnFilter, ChurnPage, ScoreReader
from serving.store.run import PublishedRun
from serving.web.call import current_call
from serving.web.context import RouteContext
from serving.web.formats.fields import ABOUT, FieldsOf, of_fields
from serving.web.formats.one_language import in_language
from serving.web.params import (
    CSV,
    FILES,
    JSON,
    NDJSON,
    XLSX,
    ChurnListQuery,
    RuleCalled,
    preferred_format,
)
from serving.web.problems import declared


class ListedAudience(Protocol):
    """Those of a list who may be contacted and have an address, as hashes."""

    @property
    def run(self) -> PublishedRun: ...
    @property
    def customers(self) -> int: ...
    @property
    def left_out(self) -> LeftOut: ...
    @property
    def lines(self) -> Iterator[bytes]: ...


Audiences = Mapping[str, Callable[[ChurnFilter], ListedAudience]]
"""Format of a file → what makes the audience of whom a filter lets through."""


class ListQuery(ChurnListQuery):
    """Which customers to list, and what of each."""

    fields: Annotated[list[str], FieldsOf(models.ListItem)] = Field(
        [], description=f"{ABOUT}. Of JSON and NDJSON"
    )


def list_routes(
    context: RouteContext,
    audiences: Audiences,
    rule_called: RuleCalled,
) -> APIRouter:
    """Lists of customers; `rule_called` finds the rule of a saved audience."""
    store = context.scores
    router = APIRouter(prefix="/v1", tags=["lists"])

    @router.get(
        "/churn-list",
        operation_id="getChurnList",
        summary="Customers at risk, as pages of JSON or as one CSV or Excel file",
        response_model=models.ChurnList,
        responses={
            **FILES,
            **declared(422, 503),
        },
    )
    def get_churn_list(query: Annotated[ListQuery, Query()], request: Request) -> Response:
        chosen = query.format or preferred_format(request.headers.get("accept", ""))
        if query.fields and chosen not in {"json", "ndjson"}:
            raise ConfigError(f"fields: of JSON and NDJSON, not of {chosen}.")
        fitting = query.filter(rule_called)
        if chosen in audiences:
            return _audience(context, audiences[chosen](fitting), chosen)
        if chosen == "json":
            after = lists.decode_cursor(query.cursor, query.sort) if query.cursor else None
            page = store.churn_list(fitting, sort=query.sort, limit=query.limit, after=after)
            return _json_page(query, page, {"Vary": "Accept", **context.ages(page.run)})
        if query.cursor:
            lists.decode_cursor(query.cursor, query.sort)
        contactable_list = contactable(store, fitting, sort=query.sort, limit=lists.ROWS_PER_READ)
        first, left_out = contactable_list.first, contactable_list.left_out
        detail = f"churn list as {chosen}, {first.run.info.run_id}"
        context.audit(current_call.get().caller, "export", first.totals.customers, detail)
        make = {"csv": _csv_file, "ndjson": _ndjson_file, "xlsx": _workbook}[chosen]
        headers = {
            "Vary": "Accept",
            **context.ages(first.run),
            **left_out.header(),
            **_named(first, chosen),
        }
        return make(store, fitting, query, contactable_list, headers)

    return router


def _audience(context: RouteContext, audience: ListedAudience, form: str) -> Response:
    """An audience as a file, written into the audit log first."""
    kind = "audience" if form == "audience" else f"audience of {form}"
    detail = f"churn list as {kind}, {audience.run.info.run_id}"
    context.audit(current_call.get().caller, "export", audience.customers, detail)
    name = f"{kind.replace(' of ', '-')}-{audience.run.info.as_of.isoformat()}.csv"
    return StreamingResponse(
        audience.lines,
        media_type=f"{CSV}; charset=utf-8",
        headers={
            "Vary": "Accept",
            **context.ages(audience.run),
            **audience.left_out.header(),
            "Content-Disposition": f'attachment; filename="{name}"',
        },
    )


def _json_page(query: ListQuery, page: ChurnPage, headers: dict[str, str]) -> Response:
    body = page_text(lists.run_fields(page.run), page, query.sort, query.fields)
    return Response(body, media_type=JSON, headers=headers)


def _csv_file(
    store: ScoreReader,
    _fitting: ChurnFilter,
    query: ListQuery,
    contactable: ContactableList,
    headers: dict[str, str],
) -> Response:
    return StreamingResponse(
        lists.csv_lines(
            *(store, contactable.chosen),
            sort=query.sort,
            first=contactable.first,
            language=query.lang,
        ),
        media_type=f"{CSV}; charset=utf-8",
        headers=headers,
        background=BackgroundTask(give_back),
    )


def _ndjson_file(
    store: ScoreReader,
    _fitting: ChurnFilter,
    query: ListQuery,
    contactable: ContactableList,
    headers: dict[str, str],
) -> Response:
    def line(row: dict[str, Any]) -> dict[str, Any]:
        row = of_fields(row, query.fields)
        return in_language(row, query.lang) if query.lang else row

    rows = lists.rows(store, contactable.chosen, sort=query.sort, first=contactable.first)
    return StreamingResponse(
        lists.ndjson_blocks([line(row) for row in block] for block in rows),
        media_type=NDJSON,
        headers=headers,
    )


def _workbook(
    store: ScoreReader,
    fitting: ChurnFilter,
    query: ListQuery,
    contactable: ContactableList,
    headers: dict[str, str],
) -> Response:
    return StreamingResponse(
        list_workbook(
            *(store, fitting),
            sort=query.sort,
            contactable=contactable,
            language=query.lang,
        ),
        media_type=XLSX,
        headers=headers,
        background=BackgroundTask(give_back),
    )


def _named(first: ChurnPage, ending: str) -> dict[str, str]:
    name = f"churn-list-{first.run.info.as_of.isoformat()}.{ending}"
    return {"Content-Disposition": f'attachment; filename="{name}"'}
