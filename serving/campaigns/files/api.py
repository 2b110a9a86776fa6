"""The contact file of a campaign over HTTP, as pages of JSON or as a file."""

import json
from dataclasses import asdict
from itertools import chain
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import Field

from serving.campaigns.exports import plain_name
from serving.campaigns.files.contact_file import (
    audience_file,
    contact_csv,
    contact_rows,
    contact_workbook,
    contacts_of,
)
from serving.campaigns.schemas import CampaignContactsPage
from serving.campaigns.service import CampaignService
from serving.campaigns.store import CampaignStore
from serving.contacts.address_book import AddressBook
from serving.web.call import current_call
from serving.web.context import RouteContext
from serving.web.params import CSV, FILES, JSON, XLSX, TextQuery
from serving.web.problems import declared

CampaignId = Annotated[str, Path(min_length=1, max_length=200)]


class ContactsQuery(TextQuery):
    """Whom of a campaign to contact, and in which form."""

    arm: str | None = Field(
        None, pattern=r"^[^\x00]*$", description="One contacted arm; default: all of them"
    )
    format: Literal["json", "csv", "xlsx", "meta", "google"] = Field(
        "json",
        description="xlsx: for people, in `lang`; csv: for programs; meta, google: SHA-256 of mail "
        "addresses and phone numbers as these platforms take them",
    )
    limit: int = Field(1_000, ge=1, le=10_000, description="Rows of a JSON page")
    offset: int = Field(0, ge=0, le=100_000_000, description="Rows before the page")


def contact_routes(context: RouteContext, store: CampaignStore, book: AddressBook) -> APIRouter:
    """`/v1/campaigns/{id}/contacts`."""
    service = CampaignService(store, context.clock)
    router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])

    @router.get(
        "/{campaign_id}/contacts",
        operation_id="getCampaignContacts",
        summary="Whom to contact: address, language, arm, reason, three offers, personal code",
        response_model=CampaignContactsPage,
        responses={**FILES, **declared(404, 422, 503)},
    )
    def get_contacts(campaign_id: CampaignId, query: Annotated[ContactsQuery, Query()]) -> Response:
        contacts = contacts_of(service, campaign_id, book, arm=query.arm)
        count, lines = len(contacts.members), None
        if query.format in {"meta", "google"}:
            count, lines = audience_file(contacts, book, query.format)
        context.audit(
            current_call.get().caller,
            "export",
            count,
            f"contacts of {campaign_id} as {query.format}",
        )
        headers = contacts.left_out.header()
        if query.format == "json":
            page = contacts.page(query.offset, query.limit)
            rows = chain.from_iterable(contact_rows(page, context.scores, query.lang))
            more = query.offset + query.limit < count
            body = {
                "campaign_id": campaign_id,
                "contacts": [asdict(row) for row in rows],
                "total": count,
                "without_address": contacts.without_address,
                "left_out": contacts.left_out.to_dict(),
                "next_offset": query.offset + query.limit if more else None,
            }
            return Response(json.dumps(body, ensure_ascii=False), media_type=JSON, headers=headers)
        ending = "xlsx" if query.format == "xlsx" else "csv"
        kind = "contacts" if query.format in {"csv", "xlsx"} else query.format
        name = f"{kind}-{plain_name(campaign_id)}.{ending}"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
        if query.format == "xlsx":
            pieces = contact_workbook(contacts, context.scores, query.lang)
            return StreamingResponse(pieces, media_type=XLSX, headers=headers)
        pieces = lines or contact_csv(contact_rows(contacts, context.scores, query.lang))
        return StreamingResponse(pieces, media_type=f"{CSV}; charset=utf-8", headers=headers)

    return router
