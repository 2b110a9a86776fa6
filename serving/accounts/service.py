"""What a person, a household or a company is worth, and how likely it stays away."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from serving.errors import UnknownCustomer
from serving.store.account_members import GROUPS, AccountLevel, AccountMember, AccountStore
from serving.store.protocol import ScoreReader
from serving.store.rules import band_of
from serving.store.run import PublishedRun

AT_ONCE = 1_000
DIGITS = 4
MOST_SHOWN = 200


@dataclass(frozen=True)
class AccountFigures:
    """Some persons together.

    Attributes
    ----------
    customers : how many of them the run knows
    clv, clv_lifetime, value_at_risk, expected_orders : sums of theirs, as published; None where
        none of them has the figure
    churn_probability : that all of them stay away, if each decides alone: the product of theirs
    retention_risk : its band, by the edges of the run
    """

    customers: int
    clv: float | None
    clv_lifetime: float | None
    value_at_risk: float | None
    expected_orders: float | None
    churn_probability: float | None
    retention_risk: str | None

    @classmethod
    def of(cls, documents: Sequence[Mapping[str, Any]], run: PublishedRun) -> "AccountFigures":
        """Of the documents that the run has of each person."""
        churn = [document["churn_probability"] for document in documents]
        chances = [chance for chance in churn if chance is not None]
        digits = run.summary.money.digits
        together = round(math.prod(chances), DIGITS) if chances else None
        return cls(
            customers=len(documents),
            clv=_sum(documents, "clv", digits),
            clv_lifetime=_sum(documents, "clv_lifetime", digits),
            value_at_risk=_sum(documents, "value_at_risk", digits),
            expected_orders=_sum(documents, "expected_orders", DIGITS),
            churn_probability=together,
            retention_risk=None if together is None else band_of(together, run.info),
        )


def _sum(documents: Iterable[Mapping[str, Any]], figure: str, digits: int) -> float | None:
    values = [value for document in documents if (value := document.get(figure)) is not None]
    return round(math.fsum(values), digits) if values else None


@dataclass(frozen=True)
class CardFigures:
    """What a card has brought by the run's date; None where that is not known.

    Attributes
    ----------
    orders, revenue, last_order_on : counted over the orders placed with it
    share : of the person's revenue
    clv_part : the person's `clv` × `share`: divided here, not predicted. Models see persons alone;
        with which card somebody pays next is a habit of the till, not of the customer
    """

    card_id: str
    orders: int | None
    revenue: float | None
    last_order_on: str | None
    share: float | None
    clv_part: float | None

    @classmethod
    def of(cls, card: AccountMember, clv: float | None, digits: int) -> "CardFigures":
        """Of a card whose person has this `clv`."""
        divided = None
        # refunds of one card can leave a share beyond 0 and 1, which divides nothing
        if clv is not None and card.share is not None and 0 <= card.share <= 1:
            divided = round(clv * card.share, digits)
        return cls(
            card_id=card.customer_id,
            orders=card.orders,
            revenue=None if card.revenue is None else round(card.revenue, digits),
            last_order_on=card.last_order_on,
            share=None if card.share is None else round(card.share, DIGITS),
            clv_part=divided,
        )


@dataclass(frozen=True)
class MemberView:
    """Somebody who belongs to an account, with the figures of all persons below."""

    customer_id: str
    level: AccountLevel
    payer_id: str | None
    figures: AccountFigures


@dataclass(frozen=True)
class AccountView:
    """An id at its level.

    Attributes
    ----------
    parent : (id, level) of what it belongs to
    payer_id : who pays for it, where that is somebody else
    cards : ids that are read as this person, or the card itself, with what each has brought
    members : who belongs to it directly, the most valuable first
    figures : of all persons in it
    pays_for : ids that it pays for
    figures_paid : of all persons behind them
    """

    account_id: str
    level: AccountLevel
    parent: tuple[str, AccountLevel] | None
    payer_id: str | None
    cards: Sequence[CardFigures]
    members: Sequence[MemberView]
    figures: AccountFigures
    pays_for: Sequence[str] = ()
    figures_paid: AccountFigures | None = field(default=None)


@dataclass(frozen=True)
class AccountReader:
    """Reads accounts: who belongs to whom from one store, figures from the latest run."""

    accounts: AccountStore
    scores: ScoreReader

    def account(self, account_id: str) -> tuple[PublishedRun, AccountView]:
        """An id at its level, with everybody in it.

        Raises
        ------
        UnknownCustomer
            When neither the run nor the table of identities knows the id.
        """
        own = self.accounts.member(account_id)
        below = self.accounts.members_of([account_id])
        paid = self.accounts.paid_by(account_id)
        if own is not None:
            level = own.level
        else:
            level = next((member.account_level or "person" for member in below), "person")
        direct = [member for member in below if member.level != "card"]
        people = {member.customer_id: self._people(member) for member in (*direct, *paid)}
        if level == "card" and own is not None and own.account_id is not None:
            behind = [own.account_id]
        elif level == "person":
            behind = [account_id]
        else:
            behind = _once(person for member in direct for person in people[member.customer_id])
        everybody = _once([*behind, *(person for group in people.values() for person in group)])
        run, documents = self._documents(everybody)
        if own is None and not below and not paid and not documents:
            raise UnknownCustomer(account_id)

        def figures(ids: Iterable[str]) -> AccountFigures:
            return AccountFigures.of(
                [documents[person] for person in ids if person in documents], run
            )

        views = [
            MemberView(
                member.customer_id,
                member.level,
                member.payer_id,
                figures(people[member.customer_id]),
            )
            for member in direct
        ]
        return run, AccountView(
            account_id=account_id,
            level=level,
            parent=_parent(own),
            payer_id=own.payer_id if own else None,
            cards=[
                CardFigures.of(card, figures(behind).clv, run.summary.money.digits)
                for card in (own, *below)
                if card is not None and card.level == "card"
            ],
            members=sorted(views, key=lambda view: (-(view.figures.clv or 0), view.customer_id)),
            figures=figures(behind),
            pays_for=[member.customer_id for member in paid],
            figures_paid=figures(
                _once(person for member in paid for person in people[member.customer_id])
            )
            if paid
            else None,
        )

    def _people(self, member: AccountMember) -> list[str]:
        """The persons behind a member: itself, or those below a household or a company."""
        if member.level == "person":
            return [member.customer_id]
        if member.level == "card":
            return [member.account_id] if member.account_id else []
        people: list[str] = []
        frontier = [member.customer_id]
        while frontier:
            below = self.accounts.members_of(frontier)
            people += [lower.customer_id for lower in below if lower.level == "person"]
            frontier = [lower.customer_id for lower in below if lower.level in GROUPS]
        return people

    def _documents(self, ids: Sequence[str]) -> tuple[PublishedRun, dict[str, Mapping[str, Any]]]:
        run = self.scores.latest_run()
        documents: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(ids), AT_ONCE):
            block = ids[start : start + AT_ONCE]
            run, bodies = self.scores.customers(block)
            documents |= {
                customer_id: json.loads(body)
                for customer_id, body in zip(block, bodies, strict=True)
                if body is not None
            }
        return run, documents


def _once(ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(ids))


def _parent(member: AccountMember | None) -> tuple[str, AccountLevel] | None:
    if member is None or member.account_id is None or member.account_level is None:
        return None
    return member.account_id, member.account_level
