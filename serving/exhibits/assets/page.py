"""The ledger of customers for the owner of the shop: one screen, printable."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from serving.errors import NotInRun
from serving.exhibits.assets.lines import KINDS, LINES
from serving.exhibits.assets.workbook import asset_workbook
from serving.store.run import PublishedRun
from serving.web.frame import Frame, Reader
from serving.web.params import XLSX
from serving.web.whole_amounts import rounded_together

MOST_PERIODS = 6


def asset_pages(frame: Frame) -> APIRouter:
    """`/assets`, and the same as a workbook."""
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
            unread=frame.unread(request, by=kinds),
            exhibit=frame.exhibit(run, "customer_assets"),
            periods=_periods(frame, run),
            lines=LINES,
            kinds=kinds,
            by=chosen,
            groups=origins.get(chosen) or list(reversed(data.get("cohorts", ()))),
            won=_won(data, chosen),
            has_costs=data.get("has_acquisition_costs", False),
            ahead=frame.exhibit(run, "revenue_ahead"),
            whole=whole_months(frame.exhibit_data(run, "revenue_ahead") or {}),
        )

    def workbook(request: Request) -> Response:
        run = frame.store.latest_run()
        data = frame.exhibit_data(run, "customer_assets")
        if data is None:
            raise NotInRun("This run knows no lifetime value.")
        detail = f"ledger of customers as xlsx, {run.info.run_id}"
        frame.context.audit(frame.caller(), "export", data["customers"], detail)
        return StreamingResponse(
            asset_workbook(
                _periods(frame, run),
                data,
                frame.exhibit_data(run, "revenue_ahead"),
                Reader.of(request).language,
            ),
            media_type=XLSX,
            headers={
                "Content-Disposition": f'attachment; filename="assets-{run.info.as_of}.xlsx"',
                "Vary": "Accept-Language, Cookie",
            },
        )

    router.add_api_route("/assets", assets)
    router.add_api_route("/assets.xlsx", workbook)
    return router


def whole_months(ahead: Mapping[str, Any]) -> dict[str, list[float | None]]:
    """What is expected by month in whole amounts and, last, their sum, as the overview has them.

    Of `today`'s customers, of `new` ones, and `together`: in each line the sum of both.
    """
    today, new = (_whole_column(ahead.get("months", ()), part) for part in ("today", "new"))
    together = [
        None if first is None or second is None else first + second
        for first, second in zip(today, new, strict=True)
    ]
    return {"today": today, "new": new, "together": together}


def _whole_column(months: Sequence[Mapping[str, Any]], part: str) -> list[float | None]:
    """One part's months and their sum; None throughout where it is not known."""
    if any(month[part] is None for month in months):
        return [None] * (len(months) + 1)
    amounts = rounded_together([month[part]["expected"] for month in months])
    return [*amounts, sum(amounts)]


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
