"""The pages' routes: read the parameters, ask the store once, render."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from features.errors import ConfigError, NoRun, UnknownCustomer
from serving import lists
from serving.pages import words
from serving.pages.docs import operations, shapes
from serving.pages.form import ListForm
from serving.pages.picture import interval
from serving.paths import CustomerId, path_part
from serving.store import RISKS, STATUSES, ChurnPage, MoneyFormat, PublishedRun, Store

HERE = Path(__file__).parent
ROWS_PER_PAGE = 50
MAIN_SYSTEM = "rfm_group"
"""The segment system that the list shows; a customer's page shows all."""


def add_pages(app: FastAPI, store: Store, *, clock: Callable[[], datetime]) -> None:
    """Add the pages and their style sheet to `app`; see `serving.api.create_app`."""
    pages = _Pages(store, clock)

    def docs() -> Response:
        document = app.openapi()
        return pages.render(
            "docs.html", document=document, operations=operations(document), shapes=shapes(document)
        )

    router = APIRouter(include_in_schema=False)
    router.add_api_route("/", pages.churn_list)
    router.add_api_route("/customers/{customer_id:path}", pages.customer)
    router.add_api_route("/docs", docs)
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=HERE / "static"))


class _Pages:
    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(words=words, path_part=path_part)

    def render(self, template: str, *, status: int = 200, **values: Any) -> Response:
        text = self._templates.get_template(template).render(values)
        return HTMLResponse(text, status_code=status)

    def churn_list(self, request: Request) -> Response:
        wanted = request.query_params.get("customer", "").strip()
        try:
            if wanted and (found := self._found(wanted)):
                return found
            return self._list(request, wanted)
        except NoRun:
            return self.render("empty.html")

    def customer(self, customer_id: CustomerId) -> Response:
        try:
            run = self._store.latest_run()
            answer = json.loads(self._store.customer(customer_id).body)
        except NoRun:
            return self.render("empty.html")
        except UnknownCustomer:
            return self.render("unknown.html", status=404)
        return self.render(
            "customer.html", answer=answer, interval=interval(answer), **self._about(run)
        )

    def _found(self, customer_id: str) -> Response | None:
        try:
            self._store.customer(customer_id)
        except UnknownCustomer:
            return None
        return RedirectResponse(f"/customers/{path_part(customer_id)}", status_code=303)

    def _list(self, request: Request, wanted: str) -> Response:
        problem = f"This run knows no customer “{wanted}”." if wanted else ""
        try:
            form = ListForm.read(request.query_params)
            page = self._page(form)
        except ConfigError as error:
            problem, form = str(error), ListForm()
            page = self._page(form)
        return self.render(
            "list.html",
            form=form,
            problem=problem,
            wanted=wanted,
            page=page,
            rows=[lists.item(document) for document in page.documents],
            next_page=form.link(
                cursor=lists.encode_cursor(page.after, form.sort),
                seen=form.seen + len(page.documents),
            )
            if page.after
            else None,
            **self._about(page.run),
        )

    def _page(self, form: ListForm) -> ChurnPage:
        return self._store.churn_list(
            form.filter(),
            sort=form.sort,
            limit=ROWS_PER_PAGE,
            after=lists.decode_cursor(form.cursor, form.sort) if form.cursor else None,
        )

    def _about(self, run: PublishedRun) -> dict[str, Any]:
        """What every page of a run shows or needs to show it."""
        return {
            "info": run.info,
            "summary": run.summary,
            "age_days": (self._clock().date() - run.info.as_of).days,
            "money": _money(run.summary.money),
            "risks": RISKS,
            "statuses": STATUSES,
            "main_system": MAIN_SYSTEM if MAIN_SYSTEM in run.info.segment_columns else None,
        }


def _money(form: MoneyFormat) -> Callable[[float | None], str]:
    return lambda amount: words.NOTHING if amount is None else form.write(amount)
