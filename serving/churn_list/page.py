"""The churn list as a page: filters, rows, and the way to the next ones."""

import json
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from features.errors import ConfigError
from serving.churn_list import lists
from serving.churn_list.form import CONSENTS, ListForm
from serving.churn_list.quick_views import quick_views
from serving.churn_list.rule_words import RuleWriter
from serving.errors import UnknownCustomer
from serving.store.documents import CustomerDocument, ExhibitBody
from serving.store.facets import FacetStore
from serving.store.likely_buyers import BuyerStore
from serving.store.protocol import ChurnFilter, ChurnPage, SortKey
from serving.store.rule.text import rule_of_text, text_of_rule
from serving.store.rule.tree import LONGEST_VALUE, RuleCondition, searches
from serving.store.run import RHYTHMS, RISKS, STATUSES, PublishedRun, Totals
from serving.store.run_bitmaps import FacetCounts
from serving.web.call import address
from serving.web.frame import Frame
from serving.web.params import RuleCalled
from serving.web.paths import path_part

ROWS_PER_PAGE = 50
MOST_ROWS = 2000
"""On one page, for paper; a file has them all."""
LISTED_SYSTEMS = (
    *("rfm_group", "lifecycle", "pyramid", "abc", "cluster", "likely_category"),
    *("relationship", "satisfaction_class", "complaint_class"),
)
"""Offered as filters above the list, where a run has them; a customer's page shows all."""

SHOWN_SYSTEMS = ("rfm_group", "lifecycle")
"""Those of them that are not folded away."""

CATEGORY = "likely_category"
MOST_CATEGORIES_SHOWN = 6

NOBODY = Totals(customers=0, value_at_risk=0.0)
LEAST_TREND = 0.02
"""A churn probability that moved by less since the last run has not changed."""


def churn_list_pages(
    frame: Frame, facets: FacetStore, buyers: BuyerStore, rule_called: RuleCalled
) -> APIRouter:
    """`/churn-list`; `rule_called` finds saved audiences."""
    router = frame.router()
    listed = partial(_list, frame, facets, buyers, rule_called)

    def churn_list(request: Request) -> Response:
        customer_id = request.query_params.get("customer", "").strip()
        if not customer_id:
            return listed(request, problem="")
        try:
            frame.store.customer(customer_id)
        except UnknownCustomer:
            if (item := buyers.item("product", customer_id)) is not None:
                query = urlencode({"kind": item.kind, "item": item.item_id})
                return RedirectResponse(address(f"/goods/buyers?{query}"), status_code=303)
            if where := _search(facets, frame.store.latest_run(), customer_id):
                query = urlencode({"where": where})
                return RedirectResponse(address(f"/churn-list?{query}"), status_code=303)
            wording = frame.words(request)
            problem = wording.say("This run knows no customer “%(id)s”.", id=customer_id)
            return listed(request, problem=problem)
        return RedirectResponse(address(f"/customers/{path_part(customer_id)}"), status_code=303)

    router.add_api_route("/churn-list", churn_list)
    return router


def _search(facets: FacetStore, run: PublishedRun, text: str) -> str:
    """The rule of a search by name or mail address; empty where it finds nobody."""
    if "\0" in text or len(text) > LONGEST_VALUE:
        return ""
    rule = RuleCondition("search", "contains", (text,))
    if not facets.counts(run.info.run_id, ChurnFilter(rule=rule)).matching:
        return ""
    return text_of_rule(rule)


def _list(
    frame: Frame,
    facets: FacetStore,
    buyers: BuyerStore,
    rule_called: RuleCalled,
    request: Request,
    *,
    problem: str,
) -> Response:
    latest = frame.store.latest_run()
    form = ListForm(usual_sort=_usual_sort(latest))
    page = ChurnPage(run=latest, documents=[], totals=NOBODY, after=None)
    if not problem:
        try:
            form = ListForm.read(
                request.query_params, usual_sort=form.usual_sort, rule_called=rule_called
            )
            page = _page(frame, form)
        except ConfigError as error:
            # nobody, rather than everybody under a line that says why
            problem = frame.words(request).say(str(error))
            form = ListForm(usual_sort=form.usual_sort)
    run_id = page.run.info.run_id
    after = page.after and lists.encode_cursor(page.after, form.sort)
    current = facets.current(run_id, has_texts=searches(form.rule))
    counts = current.counts(form.filter())
    systems = [
        name
        for name in (*LISTED_SYSTEMS, *attributes_in(page.run.info.segment_columns))
        if len(counts.by_segment.get(name, ())) > 1
    ]
    return frame.render(
        request,
        "churn_list.html",
        run=page.run,
        form=form,
        problem=problem,
        page=page,
        counts=counts,
        rows=[_row(document) for document in page.documents],
        next_page=form.link(cursor=after, seen=form.seen + len(page.documents)) if after else None,
        risks=RISKS,
        statuses=STATUSES,
        rhythms=RHYTHMS,
        consents=CONSENTS,
        quick_views=list(quick_views(form, current, page.run)),
        rule_sentence=_sentence(frame, buyers, request, page.run, form),
        systems=systems,
        shown_systems=[name for name in systems if name in SHOWN_SYSTEMS],
        folded_systems=[name for name in systems if name not in SHOWN_SYSTEMS],
        categories=_categories(form, counts),
        most_rows=MOST_ROWS,
        category_system=CATEGORY,
        outcomes=outcomes(frame.exhibit(page.run, "promise"), page.run.info.risk_bands),
    )


def _sentence(
    frame: Frame, buyers: BuyerStore, request: Request, run: PublishedRun, form: ListForm
) -> str:
    """The rule of the address in the reader's words; empty where there is none."""
    if not form.where:
        return ""
    names = {item.key: item.name or item.item_id for item in buyers.items()}
    return RuleWriter(frame.words(request), run, names).sentence(rule_of_text(form.where))


def attributes_in(systems: Iterable[str]) -> list[str]:
    """Those of the systems that are attributes of the shop's own table of customers."""
    return [name for name in systems if name.startswith("customer_")]


def _usual_sort(run: PublishedRun) -> SortKey:
    """By expected profit, where the run knows what a contact costs."""
    return "expected_profit" if run.info.economics else "value_at_risk"


def _categories(form: ListForm, counts: FacetCounts) -> list[tuple[str, int]]:
    """The categories that most of the listed customers will likely buy from, and of how many."""
    if not form.is_filtered() or CATEGORY in form.segments:
        return []
    sizes = counts.by_segment.get(CATEGORY, {})
    largest = sorted(sizes.items(), key=lambda size: (-size[1], size[0]))
    return [(name, size) for name, size in largest[:MOST_CATEGORIES_SHOWN] if size]


def _page(frame: Frame, form: ListForm) -> ChurnPage:
    return frame.store.churn_list(
        form.filter(),
        sort=form.sort,
        limit=MOST_ROWS if form.has_all_rows else ROWS_PER_PAGE,
        after=lists.decode_cursor(form.cursor, form.sort) if form.cursor else None,
    )


def _row(document: bytes) -> dict[str, object]:
    answer = json.loads(document)
    return {**lists.item_of(answer), "trend": trend(answer)}


def trend(answer: CustomerDocument) -> str:
    """Whether the risk has risen or fallen since the last run: `up`, `down`, `same` or empty."""
    since = answer["since_last_run"]
    before = None if since is None else since.get("churn_probability")
    churn = answer["churn_probability"]
    if before is None or churn is None:
        return ""
    if abs(churn - before) < LEAST_TREND:
        return "same"
    return "up" if churn > before else "down"


def outcomes(promise: ExhibitBody | None, bands: Mapping[str, float]) -> dict[str, object] | None:
    """What became of customers in each band of risk: band → `customers`, `said`, `happened`.

    From earlier runs whose horizon has passed, else by the bands' probabilities from the
    folds of the backtest, which the `source` says; None where neither is known.
    """
    data = promise and promise["data"]
    if not data:
        return None
    if data["source"] == "runs":
        by_band = {row["band"]: row for row in data["bands"]}
    else:
        by_band = _by_probability(data["churn"]["levels"], bands)
    return {"source": data["source"], "runs": data["runs"], "bands": by_band}


def _by_probability(
    levels: list[Mapping[str, Any]], bands: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    edges = {**bands, "low": 0.0}
    starts = sorted(edges.items(), key=lambda band: band[1])
    ends = [start for _, start in starts[1:]] + [2.0]
    by_band = {}
    for (band, start), end in zip(starts, ends, strict=True):
        part = [level for level in levels if start <= level["from"] < end]
        by_band[band] = {
            name: sum(level[name] for level in part) for name in ("customers", "said", "happened")
        }
    return by_band
