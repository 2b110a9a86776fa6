"""Groups of customers: the rule of each system, the sizes of its groups and the moves between them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from features.language.message import mark
from serving.segments.stages import STAGES
from serving.segments.store import Group, SegmentMove, SegmentStore
from serving.store.documents import ExhibitBody
from serving.store.moves import STAGE_MOVE, STAGE_SYSTEM, stage_move
from serving.store.protocol import ANY_OF
from serving.store.rules import earlier_run, one_per_date, run_named
from serving.store.run import PublishedRun
from serving.web import charts
from serving.web.frame import Frame

SHADES = {
    "customers": mark("Customers"),
    "mean_spend": mark("Mean spend"),
    "clv": mark("Predicted value"),
    "value_at_risk": mark("Value at risk"),
}
"""The figures by which the RFM map can be coloured."""

ORDER = {
    "pyramid": ("platinum", "gold", "iron", "lead"),
    "pyramid_clv": ("platinum", "gold", "iron", "lead"),
    "two_tier": ("top", "base"),
    "two_tier_clv": ("top", "base"),
    STAGE_SYSTEM: STAGES,
    "value_level": ("high", "middle", "low"),
    "potential_level": ("high", "middle", "low"),
    "loyalty_level": ("high", "middle", "low"),
    "management_class": ("vip", "regular", "potential"),
    "growth_share": ("star", "cash_cow", "question_mark", "dog"),
    "rfm_class": ("high_value", "worth_saving", "new_customer", "low_value", "between"),
    "rfm_group": (
        "important_value",
        "important_keep",
        "important_develop",
        "important_win_back",
        "general_value",
        "general_keep",
        "general_develop",
        "general_win_back",
    ),
}
"""From best to worst, or in the order of life; groups of other systems stand as in their rule."""

MANAGEMENT_SCORE = "management_score"
PARTS_OF_SCORE = {
    "behaviour": mark("Behaviour"),
    "contribution": mark("Contribution"),
    "loyalty": mark("Loyalty"),
}
MARGIN_SYSTEMS = ("pyramid", "rfm_group", "lifecycle")
LEVELS = ("high", "middle", "low")
SCORES = (5, 4, 3, 2, 1)
MOST_FLOWING = 12
"""Systems with more groups are shown without a picture of their flow."""

EXHIBITS = (
    "rfm_map",
    "lorenz",
    "value_potential_loyalty",
    "growth_share",
    "cohort_retention",
    "cohort_margin",
    "contract_survival",
    "margin_by_group",
)


@dataclass(frozen=True)
class GroupShare:
    """A group, as a row of a table.

    Attributes
    ----------
    share : of all customers of the system
    ends : the 80 % interval of the group's predicted value; None where the run has none
    """

    group: Group
    share: float
    ends: tuple[float, float] | None = None

    @property
    def clv_each(self) -> float:
        """Predicted value per customer."""
        return self.group.clv / self.group.customers if self.group.customers else 0.0


def segment_pages(frame: Frame, counts: SegmentStore) -> APIRouter:
    """`/segments` and `/segments/{system}`."""
    router = frame.router()

    def segments(request: Request, shade: str = "customers", by: str = "pyramid") -> Response:
        run = frame.store.latest_run()
        parts = _parts(frame, counts, run)
        cells = {share.group.value: share.group.customers for share in parts.get("rfm_cell", ())}
        return frame.render(
            request,
            "segments.html",
            run=run,
            unread=frame.unread(request, shade=SHADES, by=MARGIN_SYSTEMS),
            parts=parts,
            exhibits={name: frame.exhibit(run, name) for name in EXHIBITS},
            shade=shade if shade in SHADES else "customers",
            by=by if by in MARGIN_SYSTEMS else "pyramid",
            flow=_flow(frame, counts, run, STAGE_SYSTEM),
            heat_fields=partial(_heat_fields, cells),
            level_fields=partial(_level_fields, counts.customers_in(run.info.run_id)),
            most_retained=_most_retained,
            in_order=partial(_in_order, run),
            **_words_of_pictures(),
        )

    def system(request: Request, system: str) -> Response:
        run = frame.store.latest_run()
        if system in run.info.index_columns:
            return _index_page(frame, request, run, system)
        if system not in run.info.segment_columns:
            return frame.render(request, "no_system.html", run=run, status=404)
        runs = [past for past in frame.store.runs() if system in past.info.segment_columns]
        margins, profits = (
            (frame.exhibit_data(run, name) or {"systems": {}})["systems"].get(system, [])
            for name in ("margin_by_group", "profit_parts")
        )
        return frame.render(
            request,
            "segment_system.html",
            run=run,
            unread=frame.unread(request, **_runs_named(request, runs)),
            system=system,
            parts=_parts(frame, counts, run)[system],
            rule=run.info.segment_rules.get(system),
            flow=_chosen_flow(frame, counts, system, runs, request.query_params),
            runs=one_per_date(runs)[::-1],
            margin=frame.exhibit(run, "margin_by_group"),
            margins_of=_in_order(run, system, margins),
            profit=frame.exhibit(run, "profit_parts"),
            profit_of=_in_order(run, system, profits),
            **_words_of_pictures(),
        )

    router.add_api_route("/segments", segments)
    router.add_api_route("/segments/{system}", system)
    return router


def _runs_named(request: Request, runs: Sequence[PublishedRun]) -> dict[str, tuple[str, ...]]:
    """Of `from` and `to`: what the address says, where it names a run."""
    texts = {name: request.query_params.get(name, "") for name in ("from", "to")}
    return {name: (text,) if run_named(text, runs) else () for name, text in texts.items()}


def _index_page(frame: Frame, request: Request, run: PublishedRun, name: str) -> Response:
    """The page of a score from 0 to 100."""
    spread = (frame.exhibit_data(run, "score_bands") or {}).get("scores", {}).get(name)
    return frame.render(
        request,
        "segment_score.html",
        run=run,
        system=name,
        spread=spread,
        most=max((band["customers"] for band in spread["bands"]), default=0) if spread else 0,
        rule=run.info.segment_rules.get(name),
        bands=frame.exhibit(run, "score_bands"),
        weights=frame.exhibit(run, "management_weights") if name == MANAGEMENT_SCORE else None,
        parts_of_score=PARTS_OF_SCORE,
    )


def _words_of_pictures() -> dict[str, Any]:
    return {
        "charts": charts,
        "shades": SHADES,
        "margin_systems": MARGIN_SYSTEMS,
        "levels": LEVELS,
        "rfm_scores": SCORES,
        "any_of": ANY_OF,
    }


def _parts(frame: Frame, counts: SegmentStore, run: PublishedRun) -> dict[str, list[GroupShare]]:
    """The groups of each system, in its order."""
    ends = _ends(frame, run)
    groups_of: dict[str, list[Group]] = {name: [] for name in run.info.segment_columns}
    for group in counts.groups(run.info.run_id):
        groups_of.setdefault(group.system, []).append(group)
    return {
        name: [
            GroupShare(
                group,
                group.customers / max(sum(member.customers for member in groups), 1),
                ends.get((name, group.value)),
            )
            for group in sorted(groups, key=lambda member: _place(run, name, member.value))
        ]
        for name, groups in groups_of.items()
    }


def _ends(frame: Frame, run: PublishedRun) -> dict[tuple[str, str | None], tuple[float, float]]:
    """System and group → the interval of its predicted value."""
    systems = (frame.exhibit_data(run, "expected_by_group") or {}).get("systems", {})
    return {
        (system, row["group"]): (row["low"], row["high"])
        for system, rows in systems.items()
        for row in rows
    }


def _place(run: PublishedRun, system: str, value: str | None) -> tuple[int, str]:
    rule = run.info.segment_rules.get(system)
    order = ORDER.get(system) or tuple(rule.get("groups", ()) if rule else ())
    return (order.index(value) if value in order else len(order), value or "")


@dataclass(frozen=True)
class SegmentFlow:
    """The flow from one run to another, as a picture and as a table."""

    since: PublishedRun
    until: PublishedRun
    picture: charts.FlowDrawing | None
    groups: Sequence[str]
    customers: Mapping[tuple[str | None, str | None], int]
    opens_lists: bool = False

    def opens(self, before: str | None, now: str | None) -> str:
        """The segment of the list of those who moved so; empty where no list holds them."""
        if not self.opens_lists or now is None or not self.customers.get((before, now)):
            return ""
        return f"{STAGE_MOVE}:{stage_move(before, now)}"


def _flow(frame: Frame, counts: SegmentStore, run: PublishedRun, system: str) -> SegmentFlow | None:
    """The moves since the latest run of an earlier date; None where there is none."""
    since = earlier_run(run, frame.store.runs())
    if since is None or system not in {*run.info.segment_columns} & {*since.info.segment_columns}:
        return None
    return _flow_between(frame, counts, system, since, run)


def _chosen_flow(
    frame: Frame,
    counts: SegmentStore,
    system: str,
    runs: Sequence[PublishedRun],
    chosen: Mapping[str, str],
) -> SegmentFlow | None:
    """The moves between the runs of the address; by default, since the run before the latest."""
    until = run_named(chosen.get("to", ""), runs) or frame.store.latest_run()
    since = run_named(chosen.get("from", ""), runs) or earlier_run(until, runs)
    return None if since is None else _flow_between(frame, counts, system, since, until)


def _flow_between(
    frame: Frame, counts: SegmentStore, system: str, since: PublishedRun, until: PublishedRun
) -> SegmentFlow:
    moves = _moves(frame, counts, until, system, since)
    groups = sorted(
        {value for move in moves for value in (move.before, move.now) if value is not None},
        key=lambda value: _place(until, system, value),
    )
    return SegmentFlow(
        since,
        until,
        charts.flow(moves, groups) if len(groups) <= MOST_FLOWING else None,
        groups,
        {(before, after): size for before, after, size in moves},
        opens_lists=_is_of_run(frame, until, system, since),
    )


def _is_of_run(frame: Frame, run: PublishedRun, system: str, since: PublishedRun) -> bool:
    """Whether the latest run itself says who moved since that one."""
    if system != STAGE_SYSTEM or STAGE_MOVE not in run.info.segment_columns:
        return False
    counted = frame.exhibit_data(run, "since_last_run") or {}
    is_latest = run.info.run_id == frame.store.latest_run().info.run_id
    return is_latest and counted.get("run_id") == since.info.run_id


def _moves(
    frame: Frame, counts: SegmentStore, run: PublishedRun, system: str, since: PublishedRun
) -> Sequence[SegmentMove]:
    """The moves between groups; those between stages since that run are counted in the run itself."""
    counted = frame.exhibit_data(run, "since_last_run") if system == STAGE_SYSTEM else None
    if counted and counted["run_id"] == since.info.run_id and counted.get("stages"):
        return [SegmentMove(**move) for move in counted["stages"]]
    return counts.moves(system, run.info.run_id, since.info.run_id)


def _heat_fields(
    sizes: Mapping[str | None, int], exhibit: ExhibitBody, shade: str
) -> dict[tuple[int, int], Any]:
    """The fields of the RFM map by R and F, each with its depth of colour.

    `sizes` are the customers of each cell, as lists have them.
    """
    most = max((cell[shade] for cell in exhibit["data"]["cells"]), default=0.0)
    return {
        (cell["r"], cell["f"]): {
            **cell,
            "customers": sum(sizes.get(name, 0) for name in cell["cells"]),
            "heat": charts.heat(cell[shade], most),
            "filter": f"rfm_cell:{ANY_OF.join(cell['cells'])}",
        }
        for cell in exhibit["data"]["cells"]
    }


def _level_fields(
    customers_in: Callable[..., int], exhibit: ExhibitBody
) -> dict[tuple[str, str, str], Any]:
    """The fields of value × potential × loyalty, each with its depth of colour.

    `customers_in` counts who is in several groups, as lists do.
    """
    fields = exhibit["data"]["fields"]
    most = max((field["customers"] for field in fields), default=0)
    return {
        (field["value"], field["potential"], field["loyalty"]): {
            **field,
            "customers": customers_in(
                *(
                    (f"{system}_level", field[system])
                    for system in ("value", "potential", "loyalty")
                )
            ),
            "heat": charts.heat(field["customers"], most),
        }
        for field in fields
    }


def _most_retained(exhibit: ExhibitBody) -> float:
    """The largest share of a cohort that bought in a later period."""
    retained_shares = (
        share or 0.0 for cohort in exhibit["data"]["cohorts"] for share in cohort["retained"]
    )
    return max(retained_shares, default=0.0)


def _in_order(
    run: PublishedRun, system: str, groups: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    return sorted(groups, key=lambda group: _place(run, system, group["value"]))
