"""The page of one customer."""

import json

from fastapi import APIRouter, Request
from fastapi.responses import Response

from features.language.message import mark
from serving.customers.history import OrdersKnown, history
from serving.customers.picture import interval
from serving.customers.timeline import ChartedRow, alive_course, course, timeline
from serving.errors import UnknownCustomer
from serving.live.orders import LiveOrders
from serving.live.store import LiveStore
from serving.store.account_members import AccountStore
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


def customer_pages(
    frame: Frame, live: LiveStore, live_orders: LiveOrders, accounts: AccountStore
) -> APIRouter:
    """`/customers/{id}`."""
    router = frame.router()

    def customer(request: Request, customer_id: CustomerId) -> Response:
        run = frame.store.latest_run()
        answer = json.loads(frame.store.customer(customer_id).body)
        customer_id = answer["customer_id"]
        orders = live.history(customer_id)
        sayings = _sayings(frame, customer_id, OrdersKnown(orders, run.info.as_of))
        risk_course = live_orders.course(customer_id)
        return frame.render(
            request,
            "customer.html",
            run=run,
            answer=answer,
            account=accounts.member(customer_id),
            interval=interval(answer),
            orders=orders[:MOST_ORDERS],
            order_count=len(orders),
            looked_at=live.looked_at(customer_id),
            signs=SIGNS_OF_INTEREST,
            timeline=timeline(answer, orders),
            alive=alive_course(answer, orders, risk_course.alive if risk_course else None),
            another=risk_course.order if risk_course else None,
            sayings=sayings[:MOST_RUNS],
            course=course(sayings),
        )

    router.add_api_route("/customers/{customer_id:path}", customer)
    return router


def _sayings(frame: Frame, customer_id: str, known: OrdersKnown) -> list[ChartedRow]:
    """What each run said, the latest first, and what happened; nothing of who came since."""
    try:
        answers = frame.store.history(customer_id)
    except UnknownCustomer:
        return []
    alive = [json.loads(document)["p_alive"] for _, document in answers]
    entries = history(answers, known)
    return [{**entry, "p_alive": p} for entry, p in zip(entries, alive, strict=True)]
