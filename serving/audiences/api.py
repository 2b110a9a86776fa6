"""Audiences: what rules may ask for, how many they hold of, and what is kept of them."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response
from pydantic import Field

from serving.audiences import schemas as models
from serving.audiences.service import AudienceService, field_rows
from serving.audiences.store import SavedAudience
from serving.churn_list import lists
from serving.churn_list.row_text import page_text
from serving.store.protocol import ChurnFilter, SortKey
from serving.store.rule.text import text_of_rule
from serving.store.rule.tree import AudienceRule
from serving.store.run import PublishedRun
from serving.web.call import current_call
from serving.web.context import RouteContext
from serving.web.params import JSON, TextQuery, body_schema, json_body
from serving.web.problems import declared

AudienceId = Annotated[str, Path(min_length=1, max_length=200)]
RuleBody = Annotated[models.RuleRequest, Depends(json_body(models.RuleRequest))]
AudienceBody = Annotated[models.AudienceRequest, Depends(json_body(models.AudienceRequest))]


class MemberQuery(TextQuery):
    """Which members, in which order."""

    sort: SortKey = Field("value_at_risk", description="Highest first; of next_order_date soonest")
    limit: int = Field(100, ge=1, le=1_000)
    cursor: str | None = Field(None, description="`next_cursor` of the page before")


def audience_routes(context: RouteContext, service: AudienceService) -> APIRouter:
    """Audiences."""
    router = APIRouter(prefix="/v1/audiences", tags=["audiences"])

    def shown(audience: SavedAudience) -> dict[str, Any]:
        return audience_row(service, context.scores.latest_run(), audience)

    @router.get(
        "/fields",
        operation_id="getAudienceFields",
        summary="What rules may ask for: fields, operators, and values with their customers",
        response_model=models.FieldList,
        responses=declared(422, 503),
    )
    def get_fields(_query: Annotated[TextQuery, Query()]) -> dict[str, Any]:
        run = context.scores.latest_run()
        rows = field_rows(run, service.sizes_by_field(run))
        return {**lists.run_fields(run), "fields": rows}

    @router.post(
        "/counts",
        operation_id="countAudience",
        summary="How many customers a rule holds of; nothing is kept",
        response_model=models.AudienceCount,
        response_model_exclude_unset=True,
        responses=declared(400, 413, 415, 422, 503),
        openapi_extra=body_schema(models.RuleRequest),
    )
    def count_audience(request: RuleBody) -> dict[str, Any]:
        run = context.scores.latest_run()
        rule = request.tree()
        service.check_items(rule)
        totals = service.totals(run, rule)
        return {
            **lists.run_fields(run),
            **rule_fields(rule),
            "total": totals.customers,
            "total_value_at_risk": totals.value_at_risk,
        }

    @router.get(
        "",
        operation_id="getAudiences",
        summary="All saved audiences with their sizes",
        response_model=models.AudienceList,
        response_model_exclude_unset=True,
        responses=declared(503),
    )
    def get_audiences() -> dict[str, Any]:
        run = context.scores.latest_run()
        rows = [audience_row(service, run, audience) for audience in service.store.all()]
        return {**lists.run_fields(run), "audiences": rows}

    @router.post(
        "",
        operation_id="createAudience",
        summary="Keep a rule under a name, for everybody",
        status_code=201,
        response_model=models.Audience,
        response_model_exclude_unset=True,
        responses=declared(400, 409, 413, 415, 422, 503),
        openapi_extra=body_schema(models.AudienceRequest),
    )
    def create_audience(request: AudienceBody) -> dict[str, Any]:
        caller = current_call.get().caller
        run, rule = context.scores.latest_run(), request.tree()
        context.audit(caller, "audience", service.totals(run, rule).customers, "create")
        return shown(
            service.save(run, request.name.strip(), rule, note=request.note, caller=caller)
        )

    @router.get(
        "/{audience_id}",
        operation_id="getAudience",
        summary="A saved audience with its size in the latest run",
        response_model=models.Audience,
        response_model_exclude_unset=True,
        responses=declared(404, 422, 503),
    )
    def get_audience(audience_id: AudienceId) -> dict[str, Any]:
        return shown(service.store.audience(audience_id))

    @router.put(
        "/{audience_id}",
        operation_id="changeAudience",
        summary="Give it another name, rule or note",
        response_model=models.Audience,
        response_model_exclude_unset=True,
        responses=declared(400, 404, 409, 413, 415, 422, 503),
        openapi_extra=body_schema(models.AudienceRequest),
    )
    def change_audience(audience_id: AudienceId, request: AudienceBody) -> dict[str, Any]:
        caller = current_call.get().caller
        run, rule = context.scores.latest_run(), request.tree()
        service.store.audience(audience_id)
        context.audit(
            caller, "audience", service.totals(run, rule).customers, f"change {audience_id}"
        )
        return shown(
            service.change(
                run, audience_id, request.name.strip(), rule, note=request.note, caller=caller
            )
        )

    @router.delete(
        "/{audience_id}",
        operation_id="deleteAudience",
        summary="Forget it; campaigns made of it stay",
        status_code=204,
        response_class=Response,
        responses=declared(404, 422, 503),
    )
    def delete_audience(audience_id: AudienceId) -> Response:
        service.store.audience(audience_id)
        context.audit(current_call.get().caller, "audience", 0, f"delete {audience_id}")
        service.store.remove(audience_id)
        return Response(status_code=204)

    @router.get(
        "/{audience_id}/members",
        operation_id="getAudienceMembers",
        summary="Who belongs to it, by cursor; `/v1/churn-list?audience=` gives files",
        response_model=models.AudienceMembers,
        responses=declared(404, 422, 503),
    )
    def get_members(audience_id: AudienceId, query: Annotated[MemberQuery, Query()]) -> Response:
        audience = service.store.audience(audience_id)
        page = context.scores.churn_list(
            ChurnFilter(rule=audience.rule),
            sort=query.sort,
            limit=query.limit,
            after=lists.decode_cursor(query.cursor, query.sort) if query.cursor else None,
        )
        about = {
            "audience_id": audience.audience_id,
            "name": audience.name,
            **lists.run_fields(page.run),
        }
        body = page_text(about, page, query.sort)
        return Response(body, media_type=JSON, headers=context.ages(page.run))

    return router


def rule_fields(rule: AudienceRule) -> Mapping[str, Any]:
    """A rule as text and as a tree."""
    return {"where": text_of_rule(rule), "rule": models.node_of(rule)}


def audience_row(
    service: AudienceService, run: PublishedRun, audience: SavedAudience
) -> dict[str, Any]:
    """A saved audience as it is answered."""
    size = service.size(run, audience)
    names = ("audience_id", "name", "note", "created_at", "created_by", "changed_at", "changed_by")
    return {
        **{name: getattr(audience, name) for name in names},
        **rule_fields(audience.rule),
        "total": size.totals and size.totals.customers,
        "total_value_at_risk": size.totals and size.totals.value_at_risk,
        "problem": size.problem or None,
    }
