"""The page of one customer."""

import json
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from features.language.message import mark
from serving.customers.history import HistoryRow, OrdersKnown, history
from serving.customers.picture import interval
from serving.customers.timeline import alive_course, course, timeline
from serving.errors import UnknownCustomer
from serving.live.lines import PastOrder
from serving.live.orders import LiveOrders
from serving.live.store import LiveStore
from serving.store.account_members import AccountStore
from serving.store.documents import CustomerDocument
from serving.web.frame import Frame
from serving.web.paths import CustomerId

SIGNS_OF_INTEREST = {
    "visit": mark("Looked at"),
    "search": mark("Searched for"),
    "enquiry": mark("Asked about"),
    "quote": mark("Asked for a quote"),
    "cart": mark("Put into the cart"),
}

MOST_RUNS = 12
MOST_ORDERS = 10
MAIN_SYSTEMS = ("rfm_group", "lifecycle", "abc", "pyramid", "likely_category")
"""Segment systems that marketers act on; the others are folded away."""


def customer_pages(
    frame: Frame, live: LiveStore, live_orders: LiveOrders, accounts: AccountStore
) -> APIRouter:
    """`/customers/{id}`, and `/customer-outlook/{id}`: the part of it that the scorer answers."""
    router = frame.router()

    def customer(request: Request, customer_id: CustomerId, outlook: str = "") -> Response:
        run = frame.store.latest_run()
        answer = json.loads(frame.store.customer(customer_id).body)
        customer_id = answer["customer_id"]
        orders, looked_at = live.orders_and_signs(customer_id)
        sayings = _sayings(frame, customer_id, OrdersKnown(orders, run.info.as_of))
        is_whole = outlook == "1"
        return frame.render(
            request,
            "customer.html",
            run=run,
            answer=answer,
            account=accounts.member(customer_id),
            interval=interval(answer),
            orders=orders[:MOST_ORDERS],
            order_count=len(orders),
            looked_at=looked_at,
            signs=SIGNS_OF_INTEREST,
            timeline=timeline(answer, orders),
            main_systems=MAIN_SYSTEMS,
            outlook=is_whole,
            **(_outlook(answer, orders, live_orders) if is_whole else {}),
            sayings=sayings[:MOST_RUNS],
            course=course(sayings),
        )

    def customer_outlook(request: Request, customer_id: CustomerId) -> Response:
        run = frame.store.latest_run()
        answer = json.loads(frame.store.customer(customer_id).body)
        orders = live.history(answer["customer_id"])
        return frame.render(
            request,
            "customer_outlook.html",
            run=run,
            answer=answer,
            **_outlook(answer, orders, live_orders),
        )

    router.add_api_route("/customers/{customer_id:path}", customer)
    router.add_api_route("/customer-outlook/{customer_id:path}", customer_outlook)
    return router


def _outlook(
    answer: CustomerDocument, orders: Sequence[PastOrder], live_orders: LiveOrders
) -> dict[str, Any]:
    """What the scorer tells: how the customer went from day to day, what an order would change."""
    risk_course = live_orders.course(answer["customer_id"])
    return {
        "alive": alive_course(answer, orders, risk_course.alive if risk_course else None),
        "another": risk_course.order if risk_course else None,
    }


def _sayings(frame: Frame, customer_id: str, orders: OrdersKnown) -> list[HistoryRow]:
    """What each run said, the latest first, and what happened; nothing of who came since."""
    try:
        return history(frame.store.history(customer_id), orders)
    except UnknownCustomer:
        return []
