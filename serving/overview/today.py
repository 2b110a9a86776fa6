"""What to do today: who slipped, who came back, who is about to order, what is running."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from serving.campaigns.plan import CampaignView
from serving.campaigns.service import CampaignService
from serving.churn_list import lists
from serving.churn_list.form import ListForm
from serving.store.facets import CurrentFacets
from serving.store.last_good import LastGood
from serving.store.moves import MOVES, RETURNED, RISK_MOVE, SLIPPED
from serving.store.protocol import ANY_OF, ChurnFilter, SortKey
from serving.store.run import RISKS, PublishedRun, Totals

TodayKind = Literal["slipped", "at_risk", "due", "returned"]

SHOWN = 5
"""Customers of a group who are named on the page."""

DUE_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class TodayGroup:
    """Customers to look at today.

    Attributes
    ----------
    form : the list that holds them all
    rows : the first of them, as the list shows them; `before` is their band in the run before
    """

    kind: TodayKind
    form: ListForm
    totals: Totals
    rows: list[dict[str, object]]


def groups_of_today(
    store: LastGood, current: CurrentFacets, run: PublishedRun
) -> Iterator[TodayGroup]:
    """The groups, the most urgent first; those of nobody are left out.

    Before a second run, those at high and critical risk stand in the place of those who slipped.
    Due are customers who will rather order than not.
    """
    day = run.info.as_of
    due = ChurnFilter(risk=RISKS[2:], due_from=day, due_until=day + timedelta(days=DUE_DAYS - 1))
    at_risk = ChurnFilter(risk=RISKS[:2])
    choices: list[tuple[TodayKind, ChurnFilter, SortKey]] = [("due", due, "value_at_risk")]
    if RISK_MOVE in run.info.segment_columns:
        choices = [
            ("slipped", SLIPPED, "value_at_risk"),
            *choices,
            ("returned", RETURNED, "clv"),
        ]
    else:
        choices = [("at_risk", at_risk, "value_at_risk"), *choices]
    for kind, chosen, sort in choices:
        if (totals := current.totals(chosen)).customers:
            page = store.churn_list(chosen, sort=sort, limit=SHOWN)
            yield TodayGroup(
                kind=kind,
                form=_form(chosen, sort),
                totals=totals,
                rows=[_row(document) for document in page.documents],
            )


def open_campaigns(service: CampaignService) -> list[CampaignView]:
    """Those whose orders are still being counted or will be, the latest made first."""
    open_states = {"planned", "running"}
    return [campaign for campaign in service.campaigns() if campaign["status"] in open_states]


def _form(chosen: ChurnFilter, sort: SortKey) -> ListForm:
    return ListForm(
        usual_sort=sort,
        risk=ANY_OF.join(chosen.risk),
        segments=dict(chosen.segments),
        due_from="" if chosen.due_from is None else chosen.due_from.isoformat(),
        due_until="" if chosen.due_until is None else chosen.due_until.isoformat(),
        asked_sort=sort,
    )


def _row(document: bytes) -> dict[str, object]:
    answer = json.loads(document)
    before, _now = MOVES.get(answer["segments"].get(RISK_MOVE), (None, None))
    return {**lists.item_of(answer), "before": before}
