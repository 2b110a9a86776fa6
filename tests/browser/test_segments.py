"""Groups and models in a real browser, of a shop that was really trained and scored."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe

from serving.exhibits.catalogue import exhibits_of
from serving.runs.store import RunStore
from serving.scoring.run import score
from tests.browser.conftest import opened
from tests.support.servers import running_server
from training.bundle.publication import load_models

pytestmark = pytest.mark.browser

PATHS = ("/segments", "/segments/lifecycle", "/segments/rfm_cell", "/models")
DRESSES = (("laptop", "en", "light"), ("laptop", "zh", "dark"), ("phone", "zh", "light"))


@pytest.fixture(scope="module")
def scored(trained, tmp_path_factory):
    """The address of a server whose store has two runs with everything that they show."""
    url = f"sqlite:///{tmp_path_factory.mktemp('scored')}/regulars.db"
    store, models = RunStore(url), load_models(trained.settings)
    run = score(trained.log, models, None, datetime(2024, 9, 1, 4, 30, tzinfo=UTC))
    stages = run.scores["lifecycle"].sample(frac=1, random_state=1).to_numpy()
    before = replace(run.info, run_id="before", as_of=run.info.as_of - timedelta(days=30))
    store.publish(before, run.scores.assign(lifecycle=stages), run.recommendations)
    exhibits = exhibits_of(trained.log, run, models, store)
    store.publish(run.info, run.scores, run.recommendations, exhibits)
    store.close()
    with running_server(url) as (found, _):
        yield found


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("size", "language", "scheme"), DRESSES)
def test_pages_are_accessible_in_every_dress(chromium, scored, path, size, language, scheme):
    page = opened(chromium, scored, size=size, language=language, scheme=scheme)
    assert page.goto(path).status == 200
    for summary in page.locator("summary").all():
        summary.click()
    found = Axe().run(page).response["violations"]
    assert {one["id"]: [node["html"] for node in one["nodes"]] for one in found} == {}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.troubles == []
    page.context.close()


def test_a_field_of_the_map_opens_its_list(chromium, scored):
    page = opened(chromium, scored)
    page.goto("/segments")
    field = page.locator("#rfm_map .heat td a").first
    customers = int(field.locator("strong").inner_text().replace(",", ""))
    field.click()
    page.wait_for_url("**/churn-list?segment=rfm_cell*")
    assert page.locator("table.list tbody tr").count() == min(customers, 50)
    page.context.close()
