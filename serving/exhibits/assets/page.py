"""The ledger of customers for the owner of the shop: one screen, printable."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from features.language.message import mark
from serving.store.run import PublishedRun
from serving.web.frame import Frame

LINES = {
    "passing": mark("Passing of time (interest)"),
    "acquired": mark("Acquired: new customers"),
    "ordered": mark("Revalued: ordered since"),
    "silent": mark("Revalued: silent since"),
    "lost": mark("Lost: no longer known"),
    "realised": mark("Realised: brought since, now in the books"),
}
"""The lines between opening and closing; what is realised is taken off."""

KINDS = {
    "month": mark("Month of the first order"),
    "channel": mark("Channel"),
    "category": mark("Category first bought"),
    "product": mark("Product first bought"),
}
"""What customers are grouped by."""

MOST_PERIODS = 6


def asset_pages(frame: Frame) -> APIRouter:
    """`/assets`."""
    router = frame.router()

    def assets(request: Request, by: str = "") -> Response:
        run = frame.store.latest_run()
        data = frame.exhibit_data(run, "customer_assets") or {}
        origins = data.get("origins", {})
        kinds = {kind: name for kind, name in KINDS.items() if kind in {"month", *origins}}
        chosen = by if by in kinds else "month"
        return frame.render(
            request,
            "assets.html",
            run=run,
            exhibit=frame.exhibit(run, "customer_assets"),
            periods=_periods(frame, run),
            lines=LINES,
            kinds=kinds,
            by=chosen,
            groups=origins.get(chosen) or list(reversed(data.get("cohorts", ()))),
            won=_won(data, chosen),
            has_costs=data.get("has_acquisition_costs", False),
            expected=frame.exhibit(run, "expected_revenue"),
            new_customers=frame.exhibit_data(run, "expected_new_customers"),
        )

    router.add_api_route("/assets", assets)
    return router


def _periods(frame: Frame, run: PublishedRun) -> list[Mapping[str, Any]]:
    """The ledgers of one run after the other, the oldest first: each opens where the last closed."""
    runs = {stored.info.run_id: stored for stored in frame.store.runs()}
    periods: list[Mapping[str, Any]] = []
    before: PublishedRun | None = run
    while before is not None and len(periods) < MOST_PERIODS:
        data = frame.exhibit_data(before, "customer_assets") or {}
        ledger = data.get("ledger")
        if ledger is None:
            break
        ends = {end: data[end] for end in ("closing_low", "closing_high")}
        periods.insert(0, {**ledger, **ends})
        before = runs.get(ledger["run_id"])
    return periods


def _won(data: Mapping[str, Any], by: str) -> dict[tuple[str | None, bool], float]:
    """What was acquired in the last period, by group; empty where no ledger tells."""
    parts = ((data.get("ledger") or {}).get("acquired_by") or {}).get(by, ())
    return {(part["group"], part["is_others"]): part["acquired"] for part in parts}
