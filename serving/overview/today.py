"""What to do today: who slipped, who came back, who is about to order, what is running."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from serving.campaigns.plan import CampaignView
from serving.campaigns.service import CampaignService
from serving.churn_list import lists
from serving.churn_list.form import ListForm
from serving.churn_list.quick_views import AT_HIGH_RISK, due_window, form_of
from serving.store.facets import CurrentFacets
from serving.store.moves import MOVES, RETURNED, RISK_MOVE, SLIPPED
from serving.store.protocol import ChurnFilter, ScoreReader, SortKey
from serving.store.run import PublishedRun, Totals

TodayKind = Literal["slipped", "at_risk", "due", "returned"]

SHOWN = 5
"""Customers of a group who are named on the page."""


@dataclass(frozen=True, kw_only=True)
class TodayGroup:
    """Customers to look at today.

    Attributes
    ----------
    form : the list that holds them all
    rows : the first of them, as the list shows them; `before` is their band in the run before
    days : within which the next order is expected; None for other kinds
    """

    kind: TodayKind
    form: ListForm
    totals: Totals
    days: int | None = None
    rows: list[dict[str, object]]


def groups_of_today(
    store: ScoreReader, current: CurrentFacets, run: PublishedRun
) -> Iterator[TodayGroup]:
    """The groups, the most urgent first; those of nobody are left out.

    Before a second run, those at high and critical risk stand in the place of those who slipped.
    Due are customers who will rather order than not.
    """
    due = due_window(current, run)
    choices: list[tuple[TodayKind, ChurnFilter, SortKey]] = [("due", due.chosen, "value_at_risk")]
    if RISK_MOVE in run.info.segment_columns:
        choices = [
            ("slipped", SLIPPED, "value_at_risk"),
            *choices,
            ("returned", RETURNED, "clv"),
        ]
    else:
        choices = [("at_risk", AT_HIGH_RISK, "value_at_risk"), *choices]
    for kind, chosen, sort in choices:
        if (totals := current.totals(chosen)).customers:
            page = store.churn_list(chosen, sort=sort, limit=SHOWN)
            yield TodayGroup(
                kind=kind,
                form=form_of(chosen, sort, sort),
                totals=totals,
                days=due.days if kind == "due" else None,
                rows=[_row(document) for document in page.documents],
            )


def open_campaigns(service: CampaignService) -> list[CampaignView]:
    """Those whose orders are still being counted or will be, the latest made first."""
    open_states = {"planned", "running"}
    return [campaign for campaign in service.campaigns() if campaign["status"] in open_states]


def _row(document: bytes) -> dict[str, object]:
    answer = json.loads(document)
    before, _now = MOVES.get(answer["segments"].get(RISK_MOVE), (None, None))
    return {**lists.item_of(answer), "before": before}
