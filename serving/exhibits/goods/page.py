"""What is sold: what is bought together, by category and by product."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from features.language.message import mark
from serving.web import charts
from serving.web.frame import Frame

ITEMS = {"category": mark("Category"), "product": mark("Product")}


def goods_pages(frame: Frame) -> APIRouter:
    """`/goods`."""
    router = frame.router()

    def goods(request: Request, by: str = "", item: str = "") -> Response:
        run = frame.store.latest_run()
        counted = (frame.exhibit_data(run, "bought_together") or {}).get("items", {})
        kinds = {kind: name for kind, name in ITEMS.items() if kind in counted}
        chosen = by if by in kinds else next(iter(kinds), "")
        together = counted.get(chosen)
        return frame.render(
            request,
            "goods.html",
            run=run,
            exhibit=frame.exhibit(run, "bought_together"),
            kinds=kinds,
            by=chosen,
            item=item,
            pairs=_with(together["pairs"], item) if together else [],
            together=together,
            matrix=_matrix(together and together["matrix"]),
            looked_at=frame.exhibit(run, "looked_at"),
        )

    router.add_api_route("/goods", goods)
    return router


def _with(pairs: Sequence[Mapping[str, Any]], item: str) -> list[Mapping[str, Any]]:
    """The pairs of which `item` is one, it first; all of them where none is asked for."""
    if not item:
        return list(pairs)
    return [
        pair if pair["first"] == item else _turned(pair)
        for pair in pairs
        if item in {pair["first"], pair["second"]}
    ]


def _turned(pair: Mapping[str, Any]) -> Mapping[str, Any]:
    """The pair read the other way round."""
    return {
        **pair,
        **{
            f"{side}{end}": pair[f"{other}{end}"]
            for side, other in (("first", "second"), ("second", "first"))
            for end in ("", "_name")
        },
        "orders_first": pair["orders_second"],
        "orders_second": pair["orders_first"],
        "confidence": pair["confidence_back"],
        "confidence_back": pair["confidence"],
    }


def _matrix(matrix: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Categories against each other: lift, and how deep each field is coloured."""
    if not matrix:
        return None
    # coloured is what is more often together than by chance
    most = max((lift or 0.0 for row in matrix["lift"] for lift in row), default=0.0) - 1
    return {
        "items": matrix["items"],
        "rows": [
            [{"lift": lift, "heat": charts.heat(lift and lift - 1, most)} for lift in row]
            for row in matrix["lift"]
        ],
    }
