"""The first page: what to do today, how the shop stands, and what has changed."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from serving.campaigns.service import CampaignService
from serving.campaigns.store import CampaignStore
from serving.overview.today import groups_of_today, open_campaigns
from serving.segments.stages import STAGES
from serving.segments.store import SegmentMove
from serving.store.facets import FacetStore
from serving.store.moves import RISK_MOVE, STAGE_MOVE, STAGE_SYSTEM, stage_move
from serving.store.protocol import ANY_OF, ChurnFilter
from serving.store.rules import earlier_run
from serving.store.run import RISKS
from serving.web.drawing import Frame2D, columns
from serving.web.frame import Frame
from serving.web.whole_amounts import rounded_together

MONTHS_TO_KNOW = 12
MOST_NAMED = 8
"""Months below the picture that have their names written, the latest among them."""
MOST_MONTHS = 25
"""Two years and the month that is running."""


@dataclass(frozen=True, kw_only=True)
class StageFlow:
    """Who is in a group now: those who stayed, came from other groups, or are new.

    `left` are those who were in it in the run before and no longer are.
    """

    group: str
    now: int
    stayed: int
    arrived: int
    left: int
    came_from: tuple[str | None, ...] = ()
    went_to: tuple[str | None, ...] = ()

    def opens(self, part: str) -> str | None:
        """The segments of the list of those who stayed, arrived or left; None: there is none.

        Who is gone from the shop's customers is in no list of them.
        """
        pairs_of: dict[str, list[tuple[str | None, str | None]]] = {
            "stayed": [(self.group, self.group)] if self.stayed else [],
            "arrived": [(before, self.group) for before in self.came_from],
            "left": [(self.group, now) for now in self.went_to],
        }
        pairs = pairs_of[part]
        moves = [stage_move(before, now) for before, now in pairs if now is not None]
        if not moves or len(moves) < len(pairs):
            return None
        return f"{STAGE_MOVE}:{ANY_OF.join(moves)}"


def overview_pages(frame: Frame, facets: FacetStore, campaigns: CampaignStore) -> APIRouter:
    """`/`; its counts are those of the lists that it leads to."""
    router = frame.router()
    service = CampaignService(campaigns, frame.context.clock)

    def overview(request: Request) -> Response:
        run = frame.store.latest_run()
        current = facets.current(run.info.run_id)
        earlier = earlier_run(run, frame.store.runs())
        monthly = frame.exhibit_data(run, "monthly")
        last_year = frame.exhibit_data(run, "same_days_last_year")
        changed = frame.exhibit_data(run, "since_last_run")
        by_risk = {risk: current.totals(ChurnFilter(risk=(risk,))) for risk in RISKS}
        expected = frame.exhibit(run, "expected_revenue")
        months = (frame.exhibit_data(run, "expected_revenue") or {}).get("months", ())
        return frame.render(
            request,
            "overview.html",
            run=run,
            today=list(groups_of_today(frame.store, current, run)),
            open_campaigns=open_campaigns(service),
            has_stage_moves=STAGE_MOVE in run.info.segment_columns,
            risk_move=RISK_MOVE if RISK_MOVE in run.info.segment_columns else None,
            total=current.totals(ChurnFilter()),
            by_risk=by_risk,
            whole_at_risk=dict(
                zip(
                    by_risk,
                    rounded_together([totals.value_at_risk for totals in by_risk.values()]),
                    strict=True,
                )
            ),
            in_stage=current.counts(ChurnFilter()).by_segment.get(STAGE_SYSTEM, {}),
            risks=RISKS,
            earlier=earlier,
            expected=expected,
            whole_months=rounded_together([month["expected"] for month in months]),
            new_customers=frame.exhibit_data(run, "expected_new_customers"),
            last_year=last_year,
            begins=_begins_late(monthly, last_year),
            months=_months(monthly) if monthly else None,
            month_step=_month_step(monthly) if monthly else 1,
            changed=changed,
            stages=flows((changed and changed.get("stages")) or ()),
            stage_system=STAGE_SYSTEM,
        )

    router.add_api_route("/", overview)
    return router


def _begins_late(monthly: Any, last_year: Any) -> str | None:
    """The month in which the orders begin, where that is less than a year before last year's
    days: customers who bought before it look new then.
    """
    if not (monthly and last_year and last_year["last_year"]):
        return None
    first: str = monthly["months"][0]
    first_day = date.fromisoformat(last_year["last_year"]["from"])
    months_known = (first_day.year - int(first[:4])) * 12 + first_day.month - int(first[5:])
    return first if months_known < MONTHS_TO_KNOW else None


def _month_step(monthly: Mapping[str, Any]) -> int:
    """Every which month has its name below it, so that names keep apart."""
    return math.ceil(min(len(monthly["months"]), MOST_MONTHS) / MOST_NAMED)


def _months(monthly: Mapping[str, Any]) -> dict[str, Any]:
    """The last months, and their columns."""
    shown = {name: values[-MOST_MONTHS:] for name, values in monthly.items()}
    return {
        "months": [
            {"month": month, "revenue": revenue, "whole": whole}
            for month, revenue, whole in zip(
                shown["months"], shown["revenue"], shown["whole"], strict=True
            )
        ],
        "drawn": columns(shown["revenue"], field=Frame2D(right=26)),
    }


def flows(stages: Iterable[Mapping[str, Any]]) -> list[StageFlow]:
    """Where customers are and where they were, from the `stages` of `since_last_run`."""
    moves = [SegmentMove(**move) for move in stages]
    groups = sorted({move.now for move in moves if move.now}, key=_stage_order)
    return [
        StageFlow(
            group=group,
            now=sum(move.customers for move in moves if move.now == group),
            stayed=sum(move.customers for move in moves if move.now == move.before == group),
            arrived=sum(
                move.customers for move in moves if move.now == group and move.before != group
            ),
            left=sum(
                move.customers for move in moves if move.before == group and move.now != group
            ),
            came_from=tuple(
                move.before for move in moves if move.now == group and move.before != group
            ),
            went_to=tuple(move.now for move in moves if move.before == group and move.now != group),
        )
        for group in groups
    ]


def _stage_order(group: str) -> tuple[int, str]:
    return (STAGES.index(group) if group in STAGES else len(STAGES), group)
