"""A browser, and a server with two runs and everything that pages show."""

import json
import os
import shutil
from datetime import date, timedelta

import pytest

from serving.live.lines import Handover
from serving.runs.store import RunStore
from tests.support.economics import ECONOMICS
from tests.support.exhibits import EXHIBITS
from tests.support.scores import AS_OF, run_info, score_tables
from tests.support.servers import running_server

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SCRIPT = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
NAMED_IDS = (SCRIPT, "a/b", "עברית", "%2F")
SIZES = {"laptop": (1366, 850), "phone": (390, 844)}
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}


@pytest.fixture(scope="module")
def chromium():
    """Per module: as long as it is open an event loop runs in the process of the tests."""
    path = shutil.which("chromium")
    if path is None:
        reason = "no chromium on the PATH; install it to test the pages in a browser"
        if os.environ.get("REGULARS_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('store')}/regulars.db"
    store = RunStore(url)
    ids = [*NAMED_IDS, *(f"{n:05d}" for n in range(296))]
    scores, recommendations = score_tables(ids=ids)
    # The named ones first, so that the first page shows them.
    first = slice(None, len(NAMED_IDS) - 1)
    scores.loc[first, ["value_at_risk", "expected_profit"]] = 1e6
    scores.loc[first, "retention_risk"] = "low"
    scores.loc[10:, "name"] = "Ann " + SCRIPT
    scores.loc[20:40, "consent"] = True
    scores.loc[41:60, "consent"] = False
    scores["likely_category"] = ["Home", "Kitchen", "Party"] * (len(scores) // 3)
    systems = (*run_info().segment_columns, "likely_category")
    before = run_info("run-0", as_of=date(2026, 2, 1), economics=ECONOMICS, segment_columns=systems)
    store.publish(before, scores, recommendations)
    scores["since_last_run"] = [_before(churn) for churn in scores["churn_probability"]]
    orders = [(name, _history(name)) for name in ids]
    store.publish(
        run_info(economics=ECONOMICS, segment_columns=systems),
        scores,
        recommendations,
        EXHIBITS,
        handover=Handover(histories=orders, seen_no=0, absorbed=[]),
    )
    store.close()
    with running_server(url) as (found, _):
        yield found


def _before(churn):
    figures = {"churn_probability": round(churn * 0.8, 4), "clv": 50.0, "reasons": []}
    return {"run_id": "run-0", "as_of": "2026-02-01", **figures}


def _history(customer_id):
    """Two orders and a return."""
    start = date(1970, 1, 1)
    days = ((AS_OF - timedelta(days=back) - start).days for back in (200, 90, 30))
    lines = [
        [f"{customer_id}-{place}", day * 86_400_000_000, amount, "P-100"]
        for place, (day, amount) in enumerate(zip(days, (4000, 2500, -500), strict=True))
    ]
    fields = ["order_id", "ordered_at", "amount", "product_id"]
    return json.dumps({"fields": fields, "lines": lines})


def opened(chromium, address, *, size="laptop", language="en", scheme="light"):
    """A new page; what its console says is in its list `troubles`."""
    width, height = SIZES[size]
    context = chromium.new_context(
        viewport={"width": width, "height": height},
        base_url=address,
        accept_downloads=True,
        locale=LANGUAGES[language],
        color_scheme=scheme,
    )
    page = context.new_page()
    page.troubles = []
    page.on("console", lambda message: page.troubles.append(message.text))
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    return page


@pytest.fixture(params=[*SIZES])
def page(request, chromium, address):
    shown = opened(chromium, address, size=request.param)
    yield shown
    assert shown.troubles == []
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shown.context.close()
