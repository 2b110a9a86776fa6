"""A person, a household or a company with everybody in it."""

from dataclasses import asdict
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from serving.accounts.service import MOST_SHOWN, AccountFigures, AccountReader, AccountView
from serving.churn_list.lists import run_fields
from serving.store.account_members import AccountLevel
from serving.web.context import RouteContext
from serving.web.params import TextQuery
from serving.web.paths import CustomerId
from serving.web.problems import declared
from serving.web.schemas import Money, Probability, Risk, RunFields
from serving.web.shape import ApiShape


class AccountSums(ApiShape):
    """Some persons together; null where none of them has the figure."""

    customers: int = Field(description="How many of them the run knows")
    clv: Money | None
    clv_lifetime: Money | None
    value_at_risk: Money | None
    expected_orders: float | None
    churn_probability: Probability | None = Field(
        description="That all of them stay away, if each decides alone: the product of theirs"
    )
    retention_risk: Risk | None


class AccountParent(ApiShape):
    account_id: str
    level: AccountLevel


class CardSums(ApiShape):
    """What a card has brought; null where it is not known."""

    card_id: str
    orders: int | None
    revenue: Money | None
    last_order_on: date | None
    share: float | None = Field(description="Of the person's revenue")
    clv_part: Money | None = Field(
        description="The person's `clv` × `share`: divided, not predicted, for models see persons"
    )


class AccountMemberRow(ApiShape):
    """Somebody who belongs to the account directly, with all persons below."""

    customer_id: str
    level: AccountLevel
    payer_id: str | None = Field(description="Who pays for it; null: it pays for itself")
    figures: AccountSums


class Account(RunFields):
    """An id at its level: a card, a person, a household or a company."""

    account_id: str
    level: AccountLevel
    belongs_to: AccountParent | None
    payer_id: str | None
    cards: list[str] = Field(description="Ids that are read as this person")
    card_figures: list[CardSums] = Field(
        description="Of `cards`, or of the card itself where that was asked for"
    )
    figures: AccountSums = Field(description="Of all persons in it")
    members: list[AccountMemberRow] = Field(
        description=f"The {MOST_SHOWN} most valuable of `member_count`"
    )
    member_count: int
    pays_for: list[str]
    figures_paid: AccountSums | None = Field(description="Of all persons behind `pays_for`")


def account_routes(context: RouteContext, reader: AccountReader) -> APIRouter:
    """Accounts, one at a time."""
    router = APIRouter(prefix="/v1/accounts", tags=["customers"])

    @router.get(
        "/{account_id:path}",
        operation_id="getAccount",
        summary="A card, person, household or company: who is in it, and what they are worth",
        response_model=Account,
        responses=declared(404, 422, 503),
    )
    def get_account(
        account_id: CustomerId, _query: Annotated[TextQuery, Query()], response: Response
    ) -> dict[str, object]:
        run, view = reader.account(account_id)
        response.headers.update(context.ages(run))
        return {**run_fields(run), **_body(view)}

    return router


def _body(view: AccountView) -> dict[str, object]:
    return {
        "account_id": view.account_id,
        "level": view.level,
        "belongs_to": view.parent and {"account_id": view.parent[0], "level": view.parent[1]},
        "payer_id": view.payer_id,
        "cards": [card.card_id for card in view.cards if card.card_id != view.account_id],
        "card_figures": [asdict(card) for card in view.cards],
        "figures": asdict(view.figures),
        "members": [asdict(member) for member in view.members[:MOST_SHOWN]],
        "member_count": len(view.members),
        "pays_for": list(view.pays_for),
        "figures_paid": _sums(view.figures_paid),
    }


def _sums(figures: AccountFigures | None) -> dict[str, object] | None:
    return None if figures is None else asdict(figures)
