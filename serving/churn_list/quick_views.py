"""Ready-made choices above the list: who slips, which of the best fade, who is late or due."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from features.language.message import mark
from serving.churn_list.form import ListForm
from serving.store.facets import CurrentFacets
from serving.store.protocol import ANY_OF, ChurnFilter, SortKey
from serving.store.run import RISKS, PublishedRun

AT_HIGH_RISK = ChurnFilter(risk=RISKS[:2])
BEST_CLASS = ("abc", "A")
BEST_FADING = ChurnFilter(risk=RISKS[:3], segments=(BEST_CLASS,))
LATER_THAN_USUAL = ChurnFilter(rhythm=("overdue", "late"))

DUE_DAYS = (7, 14, 30)
"""Windows in which next orders are looked for, the nearest first."""
ENOUGH_DUE = 5
"""A window in which fewer next orders are expected gives way to the next one."""


@dataclass(frozen=True, kw_only=True)
class QuickView:
    """A choice with a name, the list it opens, and how many customers are on it."""

    name: str
    form: ListForm
    customers: int
    is_chosen: bool


@dataclass(frozen=True)
class DueWindow:
    """The days from `as_of` within which next orders are looked for, and of whom."""

    days: int
    chosen: ChurnFilter


def due_window(current: CurrentFacets, run: PublishedRun) -> DueWindow:
    """The nearest window in which enough orders are expected of customers at low or medium risk.

    A shop whose customers order every few months expects nobody within a week.
    """
    start = run.info.as_of
    longest = run.info.horizon_days
    windows = [
        DueWindow(
            days,
            ChurnFilter(risk=RISKS[2:], due_from=start, due_until=start + timedelta(days=days - 1)),
        )
        for days in (*(days for days in DUE_DAYS if days < longest), longest)
    ]
    enough = (window for window in windows if current.totals(window.chosen).customers >= ENOUGH_DUE)
    return next(enough, windows[-1])


def quick_views(form: ListForm, current: CurrentFacets, run: PublishedRun) -> Iterator[QuickView]:
    """Those that the run can fill, in the order in which they are shown."""
    systems = run.info.segment_columns
    chosen_now = form.filter()
    choices: list[tuple[str, ChurnFilter, SortKey | None]] = [
        (mark("At high risk"), AT_HIGH_RISK, None),
        (mark("Best customers, fading"), BEST_FADING, "value_at_risk"),
        (mark("Later than usual"), LATER_THAN_USUAL, "value_at_risk"),
        (mark("Next order due soon"), due_window(current, run).chosen, "next_order_date"),
        (mark("All customers"), ChurnFilter(), None),
    ]
    for name, chosen, sort in choices:
        customers = current.totals(chosen).customers
        if all(system in systems for system, _ in chosen.segments) and (
            customers or chosen in (AT_HIGH_RISK, chosen_now)
        ):
            yield QuickView(
                name=name,
                form=form_of(chosen, form.usual_sort, sort),
                customers=customers,
                is_chosen=chosen == chosen_now,
            )


def form_of(chosen: ChurnFilter, usual_sort: SortKey, sort: SortKey | None = None) -> ListForm:
    """The form of the list that holds those `chosen`."""
    form = ListForm(
        usual_sort=usual_sort,
        risk=ANY_OF.join(chosen.risk),
        rhythm=ANY_OF.join(chosen.rhythm),
        segments=dict(chosen.segments),
        due_from="" if chosen.due_from is None else chosen.due_from.isoformat(),
        due_until="" if chosen.due_until is None else chosen.due_until.isoformat(),
    )
    return form if sort is None else replace(form, asked_sort=sort)
