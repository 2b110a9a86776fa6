"""Whose lifetime value is calculated, and what it comes to at other terms."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serving.errors import NotInRun
from serving.exhibits.lifetime.arithmetic import (
    LifetimeAssumptions,
    LifetimeTerm,
    RecalculatedTerm,
    recalculated,
    terms_in,
)
from serving.store.last_good import LastGood
from serving.store.run import PublishedRun


@dataclass(frozen=True, kw_only=True)
class LifetimeSubject:
    """A customer, a group, or all customers, with the terms that the run states.

    Attributes
    ----------
    group : as 'system:value'; None: one customer, or all
    stated : the sum that the run states, in money
    """

    customer_id: str | None
    group: str | None
    customers: int
    stated: float
    terms: Sequence[LifetimeTerm]


@dataclass(frozen=True, kw_only=True)
class LifetimeCalculation:
    """The terms at other assumptions, and their sum."""

    subject: LifetimeSubject
    assumptions: LifetimeAssumptions
    terms: Sequence[RecalculatedTerm]
    total: float

    @classmethod
    def of(
        cls, subject: LifetimeSubject, assumptions: LifetimeAssumptions, run: PublishedRun
    ) -> "LifetimeCalculation":
        """What comes to at the assumptions; the run's own give the sum that it states."""
        terms = recalculated(
            subject.terms,
            assumptions,
            stated_rate=run.info.discount_rate_per_year,
            customers=subject.customers,
        )
        total = round(sum(term.present_value for term in terms), run.summary.money.digits)
        return cls(subject=subject, assumptions=assumptions, terms=terms, total=total)


def subject_of(
    scores: LastGood,
    run: PublishedRun,
    groups: Callable[[], Mapping[str, Any] | None],
    *,
    customer_id: str | None = None,
    group: str | None = None,
) -> LifetimeSubject:
    """Whom the calculation is about.

    Parameters
    ----------
    groups : gives the figures of the exhibit `lifetime_terms`; None where the run has none

    Raises
    ------
    UnknownCustomer
        When nobody of this id has bought anything.
    NotInRun
        When the run tells no terms, or has no such group.
    """
    if customer_id is not None:
        document = json.loads(scores.customer(customer_id).body)
        return _subject(run, document.get("lifetime_terms", []), 1, customer_id=customer_id)
    exhibit = groups()
    if exhibit is None:
        raise NotInRun("This run tells no lifetime year by year.")
    if group is None:
        return _subject(run, exhibit["all"]["terms"], exhibit["all"]["customers"])
    system, _, value = group.partition(":")
    for member in exhibit["systems"].get(system, ()):
        if member["value"] == value:
            return _subject(run, member["terms"], member["customers"], group=group)
    systems = ", ".join(exhibit["systems"])
    raise NotInRun(f"{group}: no such group; give it as system:value (systems: {systems}).")


def _subject(
    run: PublishedRun,
    documents: Sequence[Mapping[str, Any]],
    customers: int,
    *,
    customer_id: str | None = None,
    group: str | None = None,
) -> LifetimeSubject:
    terms = terms_in(documents, run.info.horizon_days, run.info.lifetime_years)
    if not terms:
        raise NotInRun("This run tells no lifetime year by year.")
    total = sum(term.present_value for term in terms)
    return LifetimeSubject(
        customer_id=customer_id,
        group=group,
        customers=customers,
        stated=round(total, run.summary.money.digits),
        terms=terms,
    )
