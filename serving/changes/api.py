"""Who changed since a reader last looked."""

import json
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from serving.changes import schemas as models
from serving.changes.feed import ChangeFeed, ChangePage
from serving.web.params import JSON, ChangesQuery
from serving.web.problems import declared


def change_routes(feed: ChangeFeed) -> APIRouter:
    """The feed of changes."""
    router = APIRouter(prefix="/v1", tags=["changes"])

    @router.get(
        "/changes",
        operation_id="getChanges",
        summary="Who came, went or changed since a cursor, oldest first",
        response_model=models.Changes,
        responses=declared(410, 422, 503),
    )
    def get_changes(query: Annotated[ChangesQuery, Query()]) -> Response:
        if query.since == "end":
            page = ChangePage(changes=[], next_no=feed.end(), more=False)
        else:
            page = feed.changes(query.place(), query.limit)
        body = {
            "changes": [change.to_dict() for change in page.changes],
            "next_cursor": f"c{page.next_no}",
            "has_more": page.more,
        }
        return Response(json.dumps(body, ensure_ascii=False), media_type=JSON)

    return router
