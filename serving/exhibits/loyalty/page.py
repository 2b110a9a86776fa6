"""How customers come, stay and leave: the loss of a period, its arithmetic, and the funnel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from serving.exhibits.loyalty.arithmetic import LossArithmetic
from serving.web.frame import Frame
from serving.web.typed_numbers import number_in

USUAL = {"customers": "100", "loss": "20", "margin": "100", "interest": "10"}
"""What the calculator holds where the run knows no loss: the textbook's example."""


@dataclass(frozen=True)
class Calculator:
    """The form as it was filled in, and what follows; None: a field cannot be used.

    `loss` and `interest` are percent.
    """

    fields: Mapping[str, str]
    result: LossArithmetic | None

    @classmethod
    def read(cls, asked: Mapping[str, str], usual: Mapping[str, str]) -> "Calculator":
        """The fields of a request; those that it lacks are the usual ones."""
        fields = {name: (asked.get(name) or text).strip() for name, text in usual.items()}
        numbers = {name: number_in(text) for name, text in fields.items()}
        is_usable = (
            0 < numbers["loss"] <= 100
            and 0 <= numbers["interest"] <= 100
            and 1 <= numbers["customers"] <= 1e9
            and abs(numbers["margin"]) <= 1e9
        )
        if not is_usable:
            return cls(fields, None)
        result = LossArithmetic(
            loss=numbers["loss"] / 100,
            customers=round(numbers["customers"]),
            margin=numbers["margin"],
            rate=numbers["interest"] / 100,
        )
        return cls(fields, result)


def loyalty_pages(frame: Frame) -> APIRouter:
    """`/loyalty`."""
    router = frame.router()

    def loyalty(request: Request, by: str = "lifecycle") -> Response:
        run = frame.store.latest_run()
        return frame.render(
            request,
            "loyalty.html",
            run=run,
            loss=frame.exhibit(run, "customer_loss"),
            funnel=frame.exhibit(run, "funnel"),
            nps=frame.exhibit(run, "nps"),
            service=frame.exhibit(run, "service_times"),
            indices=frame.exhibit(run, "four_indices"),
            by=by if by in run.info.segment_columns else "lifecycle",
            calculator=Calculator.read(
                request.query_params, _usual(frame.exhibit_data(run, "customer_loss"))
            ),
        )

    router.add_api_route("/loyalty", loyalty)
    return router


def _usual(data: Mapping[str, Any] | None) -> Mapping[str, str]:
    """The shop's own figures, so that the calculator begins with them."""
    if not data:
        return USUAL
    return {
        "customers": str(data["active_now"]),
        "loss": f"{100 * data['loss']:.2f}",
        "margin": f"{data['margin_per_customer']:.2f}",
        "interest": f"{100 * data['discount_rate_per_period']:.2f}",
    }
