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

MOST_PERIODS = 6


def asset_pages(frame: Frame) -> APIRouter:
    """`/assets`."""
    router = frame.router()

    def assets(request: Request) -> Response:
        run = frame.store.latest_run()
        return frame.render(
            request,
            "assets.html",
            run=run,
            exhibit=frame.exhibit(run, "customer_assets"),
            periods=_periods(frame, run),
            lines=LINES,
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
        ledger = (frame.exhibit_data(before, "customer_assets") or {}).get("ledger")
        if ledger is None:
            break
        periods.insert(0, ledger)
        before = runs.get(ledger["run_id"])
    return periods
