"""`/goods/buyers`: who will probably buy it, item by item."""

from typing import cast

from fastapi import APIRouter, Request
from fastapi.responses import Response

from features.language.message import mark
from serving.buyers.service import BuyerGrade, item_with_buyers, items_like
from serving.store.likely_buyers import ITEM_KINDS, BuyerStore, ItemKind
from serving.web.frame import Frame

KINDS = {"category": mark("Category"), "product": mark("Product")}
ITEMS_PER_PAGE = 100
CUSTOMERS_PER_PAGE = 100


def buyer_pages(frame: Frame, buyers: BuyerStore) -> APIRouter:
    """`/goods/buyers`."""
    router = frame.router()

    def likely_buyers(
        request: Request, kind: str = "", item: str = "", search: str = ""
    ) -> Response:
        run = frame.store.latest_run()
        items = buyers.items()
        kinds = [name for name in KINDS if any(listed.kind == name for listed in items)]
        chosen = kind if kind in ITEM_KINDS else next(iter(kinds), "product")
        of_kind = [listed for listed in items if listed.kind == chosen]
        answer = None
        if item:
            answer = item_with_buyers(
                buyers, cast("ItemKind", chosen), item, limit=CUSTOMERS_PER_PAGE
            )
        shown = items_like(of_kind, search)
        return frame.render(
            request,
            "buyers.html",
            run=run,
            unread=frame.unread(request, kind=ITEM_KINDS),
            kinds={name: KINDS[name] for name in kinds},
            kind=chosen,
            item=item,
            search=search,
            answer=answer,
            items=shown[:ITEMS_PER_PAGE],
            further=max(len(shown) - ITEMS_PER_PAGE, 0),
            grade=BuyerGrade.of(frame.exhibit_data(run, "backtests")),
        )

    router.add_api_route("/goods/buyers", likely_buyers)
    return router
