"""The segments of the latest run: rules, sizes, value, migration."""

from collections.abc import Iterable, Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from serving.churn_list.lists import run_fields
from serving.errors import NotInRun
from serving.segments import schemas as models
from serving.segments.store import Group, SegmentStore
from serving.store.rules import earlier_run, run_named
from serving.store.run import PublishedRun
from serving.web.context import RouteContext
from serving.web.params import TextQuery
from serving.web.problems import declared


class MigrationQuery(TextQuery):
    """Between which two runs customers moved."""

    from_: str | None = Field(
        None,
        alias="from",
        description="A run's id, or a date: the latest run of it or before. Default: the latest "
        "run of an earlier date than `to`",
    )
    to: str | None = Field(None, description="The same; default: the latest run")


SystemName = Annotated[str, Path(min_length=1, description="As in `segments` of a customer")]


def segment_routes(context: RouteContext, counts: SegmentStore) -> APIRouter:
    """Groups of customers."""
    store = context.scores
    router = APIRouter(prefix="/v1/segments", tags=["segments"])

    @router.get(
        "",
        operation_id="getSegments",
        summary="Every segment system: its rule, its groups, their sizes and value",
        response_model=models.Segments,
        responses=declared(422, 503),
    )
    def get_segments(
        _query: Annotated[TextQuery, Query()], response: Response
    ) -> dict[str, object]:
        run = store.latest_run()
        response.headers.update(context.ages(run))
        groups = counts.groups(run.info.run_id)
        systems = [_system(run, name, groups) for name in run.info.segment_columns]
        return {**run_fields(run), "systems": systems}

    @router.get(
        "/{system}",
        operation_id="getSegmentSystem",
        summary="One segment system, and who moved between its groups since an earlier run",
        response_model=models.SegmentMigration,
        responses=declared(404, 422, 503),
    )
    def get_segment_system(
        system: SystemName, query: Annotated[MigrationQuery, Query()], response: Response
    ) -> dict[str, object]:
        runs = store.runs()
        run = store.latest_run() if not query.to else _run_of(query.to, runs)
        _check_system(system, run)
        response.headers.update(context.ages(run))
        earlier = earlier_run(run, runs) if not query.from_ else _run_of(query.from_, runs)
        if query.from_ and earlier is not None:
            _check_system(system, earlier, "The run of `from`")
        moves = earlier and counts.moves(system, run.info.run_id, earlier.info.run_id)
        return {
            **run_fields(run),
            **_system(run, system, counts.groups(run.info.run_id)),
            "since": run_fields(earlier) if earlier else None,
            "moves": [move._asdict() for move in moves or ()],
        }

    return router


def _run_of(text: str, runs: Sequence[PublishedRun]) -> PublishedRun:
    run = run_named(text, runs)
    if run is None:
        raise NotInRun(f"{text}: no run of this id, and none of this date or before is kept.")
    return run


def _check_system(system: str, run: PublishedRun, of_run: str = "This run") -> None:
    if system not in run.info.segment_columns:
        names = ", ".join(run.info.segment_columns) or "none"
        raise NotInRun(f"{of_run} has no such segment system (have: {names}).")


def _system(run: PublishedRun, name: str, groups: Iterable[Group]) -> dict[str, object]:
    digits = run.summary.money.digits
    return {
        "system": name,
        "rule": run.info.segment_rules.get(name),
        "groups": [
            {
                "value": group.value,
                "customers": group.customers,
                "clv": round(group.clv, digits),
                "value_at_risk": round(group.value_at_risk, digits),
            }
            for group in groups
            if group.system == name
        ],
    }
