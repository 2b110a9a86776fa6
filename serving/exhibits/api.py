"""Tables about the latest run as a whole, made together with it."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from serving.churn_list.lists import run_fields
from serving.errors import NotInRun
from serving.exhibits.store import ExhibitStore
from serving.web import schemas as models
from serving.web.context import RouteContext
from serving.web.problems import declared

ExhibitName = Annotated[
    str, Path(min_length=1, description="As in `GET /v1/exhibits`", examples=["lorenz"])
]


def exhibit_routes(context: RouteContext, exhibits: ExhibitStore) -> APIRouter:
    """Exhibits of the latest run."""
    store = context.scores
    router = APIRouter(prefix="/v1/exhibits", tags=["exhibits"])

    @router.get(
        "",
        operation_id="getExhibits",
        summary="What the latest run shows as a whole, by name",
        response_model=models.Exhibits,
        responses=declared(503),
    )
    def get_exhibits(response: Response) -> dict[str, Any]:
        run = store.latest_run()
        response.headers.update(context.ages(run))
        return {**run_fields(run), "exhibits": exhibits.names(run.info.run_id)}

    @router.get(
        "/{name}",
        operation_id="getExhibit",
        summary="One table about the whole shop: how it is counted, and the figures",
        response_model=models.Exhibit,
        responses=declared(404, 422, 503),
    )
    def get_exhibit(name: ExhibitName, response: Response) -> dict[str, Any]:
        run = store.latest_run()
        body = exhibits.exhibit(run.info.run_id, name)
        if body is None:
            names = ", ".join(exhibits.names(run.info.run_id)) or "none"
            raise NotInRun(f"This run shows no such exhibit (have: {names}).")
        response.headers.update(context.ages(run))
        return {**run_fields(run), "exhibit": name, **json.loads(body)}

    return router
