"""Campaigns: proposals, campaigns, their members and results."""

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Path, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from features.errors import ConfigError
from serving.campaigns import exports
from serving.campaigns import schemas as models
from serving.campaigns.plan import CampaignView, secret_of
from serving.campaigns.proposal import TREATED, CampaignProposal
from serving.campaigns.request import CampaignRequest
from serving.campaigns.service import CampaignResults, CampaignService
from serving.campaigns.store import CampaignMember, CampaignStore
from serving.web.call import current_call
from serving.web.context import RouteContext
from serving.web.params import CSV, FILES, JSON, XLSX, RuleCalled, body_schema, json_body
from serving.web.problems import declared

PREVIEWED = 20

Request = Annotated[CampaignRequest, Depends(json_body(CampaignRequest))]
CampaignId = Annotated[str, Path(min_length=1, max_length=200)]
RequestKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]+$",
        max_length=200,
        description="Your name of this request: sent again, it makes no second campaign",
    ),
]


class MembersQuery(BaseModel):
    """Which members, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    arm: str | None = Field(
        None, pattern=r"^[^\x00]*$", description="treated: the contact file; default: every arm"
    )
    limit: int = Field(1_000, ge=1, le=10_000, description="Rows of a JSON page")
    cursor: str | None = Field(None, description="`next_cursor` of the page before")
    format: Literal["json", "csv", "xlsx", "audience"] = Field(
        "json",
        description="csv and xlsx are the whole list; audience: hashes of those contacted, for "
        "advertising platforms",
    )


def campaign_routes(
    context: RouteContext, store: CampaignStore, rule_called: RuleCalled
) -> APIRouter:
    """Campaigns; `rule_called` finds saved audiences."""
    service = CampaignService(store, context.clock)
    router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])

    @router.post(
        "/proposals",
        operation_id="proposeCampaign",
        summary="Who would be chosen, what that should earn and can prove; nothing is kept",
        response_model=models.Proposal,
        responses=declared(400, 404, 413, 415, 422, 503),
        openapi_extra=body_schema(CampaignRequest),
    )
    def propose_campaign(request: Request) -> dict[str, object]:
        proposal = service.propose(request.with_rule(rule_called))
        return {**proposal.to_dict(), "preview": _preview(proposal)}

    @router.post(
        "",
        operation_id="createCampaign",
        summary="Choose, draw the hold-out once, and keep both",
        status_code=201,
        response_model=models.Campaign,
        responses=declared(400, 404, 409, 413, 415, 422, 503),
        openapi_extra=body_schema(CampaignRequest),
    )
    def create_campaign(request: Request, key: RequestKey = None) -> CampaignView:
        caller = current_call.get().caller
        return service.create(
            request.with_rule(rule_called),
            created_by=caller,
            key=key,
            note=lambda count, new_id: context.audit(caller, "campaign", count, new_id),
        )

    @router.get(
        "",
        operation_id="getCampaigns",
        summary="All campaigns, the latest first, and what the ended ones say together",
        response_model=models.CampaignList,
        responses=declared(503),
    )
    def get_campaigns() -> dict[str, object]:
        return {"campaigns": service.campaigns(), "pooled": service.pooled()}

    @router.get(
        "/{campaign_id}",
        operation_id="getCampaign",
        summary="A campaign: its plan and how far it is",
        response_model=models.Campaign,
        responses=declared(404, 422, 503),
    )
    def get_campaign(campaign_id: CampaignId) -> CampaignView:
        return service.campaign(campaign_id)

    @router.post(
        "/{campaign_id}/cancel",
        operation_id="cancelCampaign",
        summary="End it before its time",
        response_model=models.Campaign,
        responses=declared(404, 422, 503),
    )
    def cancel_campaign(campaign_id: CampaignId) -> CampaignView:
        context.audit(current_call.get().caller, "campaign", 0, f"cancel {campaign_id}")
        return service.cancel(campaign_id)

    @router.get(
        "/{campaign_id}/members",
        operation_id="getCampaignMembers",
        summary="Who is in it and in which arm; as pages of JSON or as a file",
        response_model=models.Members,
        responses={
            **FILES,
            **declared(404, 422, 503),
        },
    )
    def get_members(campaign_id: CampaignId, query: Annotated[MembersQuery, Query()]) -> Response:
        if query.format == "json":
            return _page(service, campaign_id, query)
        return member_file(context, service, campaign_id, form=query.format, arm=query.arm)

    @router.get(
        "/{campaign_id}/results",
        operation_id="getCampaignResults",
        summary="What came of it: effects with intervals, per arm and segment",
        response_model=models.Results,
        responses=declared(404, 422, 503),
    )
    def get_results(campaign_id: CampaignId) -> CampaignResults:
        return service.results(campaign_id)

    return router


def member_file(
    context: RouteContext,
    service: CampaignService,
    campaign_id: str,
    *,
    form: Literal["csv", "xlsx", "audience"],
    arm: str | None,
) -> Response:
    """All members of an arm (None: of every arm) as a file; written into the audit log first.

    An `audience` is of those contacted who have not refused since.
    """
    campaign = service.campaign(campaign_id)
    blocks: Iterable[Sequence[CampaignMember]]
    if form == "audience":
        arm = TREATED
        members = service.unrefused_members(campaign_id, arm=arm)
        count, blocks = len(members), [members]
    else:
        sizes = {each_arm["arm"]: each_arm["members"] for each_arm in campaign["arms"]}
        count = sum(size for name, size in sizes.items() if arm in {None, name})
        blocks = service.all_members(campaign_id, arm=arm)
    detail = f"{campaign_id} as {form}"
    context.audit(current_call.get().caller, "export", count, detail)
    ending = "xlsx" if form == "xlsx" else "csv"
    name = "-".join(filter(None, (campaign_id, "audience" if form == "audience" else arm)))
    headers = {"Content-Disposition": f'attachment; filename="{exports.plain_name(name)}.{ending}"'}
    if form == "xlsx":
        return StreamingResponse(exports.workbook(blocks), media_type=XLSX, headers=headers)
    lines = (
        exports.audience_lines(blocks, secret_of(campaign))
        if form == "audience"
        else exports.csv_lines(blocks)
    )
    return StreamingResponse(lines, media_type=f"{CSV}; charset=utf-8", headers=headers)


def _preview(proposal: CampaignProposal) -> list[dict[str, object]]:
    best = sorted(proposal.members, key=lambda member: -(member.expected_profit or 0.0))
    return [_shown(member) for member in best[:PREVIEWED]]


def _shown(member: CampaignMember) -> dict[str, object]:
    return dict(zip(exports.COLUMNS, exports.member_row(member), strict=True))


def _page(service: CampaignService, campaign_id: str, query: MembersQuery) -> Response:
    after = None if query.cursor is None else _decoded(query.cursor)
    members = service.members(campaign_id, arm=query.arm, limit=query.limit + 1, after=after)
    shown = members[: query.limit]
    body = {
        "campaign_id": campaign_id,
        "members": [_shown(member) for member in shown],
        "next_cursor": _encoded(shown[-1].customer_id) if len(members) > query.limit else None,
    }
    return Response(json.dumps(body, ensure_ascii=False), media_type=JSON)


def _encoded(customer_id: str) -> str:
    return base64.urlsafe_b64encode(customer_id.encode()).decode().rstrip("=")


def _decoded(cursor: str) -> str:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        customer_id = base64.b64decode(padded, b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        customer_id = "\0"
    if "\0" in customer_id:
        raise ConfigError("cursor: not one that this list has given.")
    return customer_id
