"""Households and companies for people: the most valuable, and one with everybody in it."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from features.language.message import mark
from serving.accounts.service import MOST_SHOWN, AccountReader
from serving.web.frame import Frame
from serving.web.paths import CustomerId

LEVELS = {
    "card": mark("Card"),
    "person": mark("Person"),
    "household": mark("Household"),
    "company": mark("Company"),
}


def account_pages(frame: Frame, reader: AccountReader) -> APIRouter:
    """`/accounts` and `/accounts/{id}`."""
    router = frame.router()

    def accounts(request: Request) -> Response:
        run = frame.store.latest_run()
        return frame.render(
            request,
            "accounts.html",
            run=run,
            levels=LEVELS,
            totals=reader.accounts.largest(),
        )

    def account(request: Request, account_id: CustomerId) -> Response:
        run, view = reader.account(account_id)
        return frame.render(
            request,
            "account.html",
            run=run,
            levels=LEVELS,
            account=view,
            members=view.members[:MOST_SHOWN],
        )

    router.add_api_route("/accounts", accounts)
    router.add_api_route("/accounts/{account_id:path}", account)
    return router
