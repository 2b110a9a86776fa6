"""The lifetime value of a customer or a group at other rates, years and costs."""

import json
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from features.errors import ConfigError
from serving.churn_list.lists import run_fields
from serving.exhibits.lifetime.arithmetic import LifetimeAssumptions
from serving.exhibits.lifetime.calculator import LifetimeCalculation, subject_of
from serving.exhibits.store import ExhibitStore
from serving.web.context import RouteContext
from serving.web.params import TextQuery
from serving.web.problems import declared
from serving.web.schemas import Money, RunFields
from serving.web.shape import ApiShape

MOST_YEARS = 50


class LifetimeQuery(TextQuery):
    """Whose lifetime, and at which terms; without any, all customers as the run states them."""

    customer_id: str | None = Field(None, min_length=1)
    group: str | None = Field(
        None,
        pattern=r"^[^:]+:[\s\S]+$",
        description="system:value, such as pyramid:gold; without customer_id and group: all",
    )
    rate: float | None = Field(
        None, ge=0, le=1, description="i, per year, such as 0.1; default: the run's"
    )
    years: int | None = Field(
        None, ge=0, le=MOST_YEARS, description="Years after the horizon; default: all of the run"
    )
    cost_share: float | None = Field(
        None, ge=0, le=10, description="Costs as a share of revenue; default: those stated"
    )
    cost_per_year: float = Field(
        0.0, ge=0, le=1e9, description="Money per customer and year on top of the costs"
    )


class LifetimeYear(ApiShape):
    year: int = Field(description="0: the horizon")
    revenue: Money
    cost: Money
    discount_years: float
    discount_factor: float
    present_value: Money = Field(description="(revenue − cost) × discount_factor")


class LifetimeAnswer(RunFields):
    """Σ (Q − C)(1 + i)^−t, recomputed from the terms that the run states."""

    customer_id: str | None
    group: str | None
    customers: int
    clv_basis: Literal["revenue", "margin"]
    rate: float
    years: int
    cost_share: float | None
    cost_per_year: float
    terms: list[LifetimeYear]
    clv_lifetime: Money = Field(description="At these terms")
    stated: Money = Field(description="As the run states it, at its own terms")


def lifetime_routes(context: RouteContext, exhibits: ExhibitStore) -> APIRouter:
    """`GET /v1/lifetime`."""
    router = APIRouter(prefix="/v1", tags=["exhibits"])

    @router.get(
        "/lifetime",
        operation_id="getLifetime",
        summary="The lifetime value of a customer or a group at other rates, years and costs",
        response_model=LifetimeAnswer,
        responses=declared(404, 422, 503),
    )
    def get_lifetime(
        query: Annotated[LifetimeQuery, Query()], response: Response
    ) -> dict[str, object]:
        run = context.scores.latest_run()

        def groups() -> dict[str, object] | None:
            body = exhibits.exhibit(run.info.run_id, "lifetime_terms")
            terms: dict[str, object] | None = None if body is None else json.loads(body)["data"]
            return terms

        subject = subject_of(
            context.scores, run, groups, customer_id=query.customer_id, group=query.group
        )
        rate = run.info.discount_rate_per_year if query.rate is None else query.rate
        last_year = subject.terms[-1].year
        years = last_year if query.years is None else query.years
        if years > last_year:
            raise ConfigError(f"years: this run tells terms up to year {last_year}.")
        assumptions = LifetimeAssumptions(rate, years, query.cost_share, query.cost_per_year)
        response.headers.update(context.ages(run))
        return {
            **run_fields(run),
            "clv_basis": run.info.clv_basis,
            **_answer(LifetimeCalculation.of(subject, assumptions, run), run.summary.money.digits),
        }

    return router


def _answer(calculation: LifetimeCalculation, digits: int) -> dict[str, object]:
    subject, assumptions = calculation.subject, calculation.assumptions
    return {
        "customer_id": subject.customer_id,
        "group": subject.group,
        "customers": subject.customers,
        **vars(assumptions),
        "terms": [
            {
                **vars(term),
                "revenue": round(term.revenue, digits),
                "cost": round(term.cost, digits),
                "discount_factor": round(term.discount_factor, 6),
                "present_value": round(term.present_value, digits),
            }
            for term in calculation.terms
        ],
        "clv_lifetime": calculation.total,
        "stated": subject.stated,
    }
