"""A calculator of lifetime values: of a customer, a group or all, at other terms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from serving.errors import NotInRun, UnknownCustomer
from serving.exhibits.lifetime.arithmetic import LifetimeAssumptions
from serving.exhibits.lifetime.calculator import LifetimeCalculation, LifetimeSubject, subject_of
from serving.store.run import PublishedRun
from serving.web.frame import Frame
from serving.web.typed_numbers import number_in


@dataclass(frozen=True)
class LifetimeForm:
    """The form as it was filled in, and what it means; None: a field cannot be used."""

    fields: Mapping[str, str]
    assumptions: LifetimeAssumptions | None

    @classmethod
    def read(
        cls, query: Mapping[str, str], run: PublishedRun, subject: LifetimeSubject
    ) -> "LifetimeForm":
        """The fields of a request; those that it lacks are the run's own."""
        usual = {
            "rate": f"{100 * run.info.discount_rate_per_year:g}",
            "years": str(subject.terms[-1].year),
            "cost_share": "",
            "cost_per_year": "0",
        }
        fields = {name: query.get(name, text).strip() for name, text in usual.items()}
        rate, years, cost = (
            number_in(fields[name] or usual[name]) for name in ("rate", "years", "cost_per_year")
        )
        share = number_in(fields["cost_share"]) / 100 if fields["cost_share"] else None
        is_usable = (
            0 <= rate <= 100
            and years.is_integer()
            and 0 <= years <= subject.terms[-1].year
            and (share is None or 0 <= share <= 10)
            and 0 <= cost <= 1e9
        )
        if not is_usable:
            return cls(fields, None)
        # the run's own rate is told in percent, which must not change it
        own = fields["rate"] == usual["rate"]
        exact = run.info.discount_rate_per_year if own else rate / 100
        return cls(fields, LifetimeAssumptions(exact, round(years), share, cost))


def lifetime_pages(frame: Frame) -> APIRouter:
    """`/lifetime`."""
    router = frame.router()

    def lifetime(request: Request) -> Response:
        run = frame.store.latest_run()
        query = request.query_params
        terms = frame.exhibit_data(run, "lifetime_terms")
        whom = {name: query.get(name, "").strip() for name in ("customer_id", "group")}
        about: dict[str, Any] = {"subject": None, "form": None, "calculation": None}
        try:
            subject = subject_of(
                frame.store,
                run,
                lambda: terms,
                customer_id=whom["customer_id"] or None,
                group=whom["group"] or None,
            )
        except (NotInRun, UnknownCustomer):
            pass
        else:
            form = LifetimeForm.read(query, run, subject)
            about = {"subject": subject, "form": form, "calculation": None}
            if form.assumptions is not None:
                about["calculation"] = LifetimeCalculation.of(subject, form.assumptions, run)
        return frame.render(
            request,
            "lifetime.html",
            run=run,
            whom=whom,
            systems=terms["systems"] if terms else {},
            exhibit=frame.exhibit(run, "lifetime_terms"),
            **about,
        )

    router.add_api_route("/lifetime", lifetime)
    return router
