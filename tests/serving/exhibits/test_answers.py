"""Exhibits over HTTP and on the pages of groups and models."""

import re

import pytest

from serving.exhibits import api as shapes
from serving.exhibits.catalogue import EXHIBITS
from serving.server.schemas import Models
from serving.settings import Serve
from tests.serving.conftest import client_of
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_runs

PAGES = (
    "/segments",
    "/segments/lifecycle",
    "/segments/rfm_cell",
    "/models",
    "/assets",
    "/loyalty",
    "/goods",
    "/goods?by=product",
)


@pytest.fixture
def bare():
    """A client of a run that was published without exhibits."""
    store = fresh_runs()
    store.publish(run_info(), *score_tables(30))
    return client_of(store)


def test_the_exhibits_of_the_latest_run_are_listed_and_told(shown, made, run):
    listed = shapes.Exhibits.model_validate_json(shown.get("/v1/exhibits").content)
    assert listed.run_id == run.info.run_id
    assert listed.exhibits == sorted(exhibit.name for exhibit in EXHIBITS)
    for name in listed.exhibits:
        answer = shown.get(f"/v1/exhibits/{name}")
        assert "regulars-score-age" in answer.headers
        told = shapes.Exhibit.model_validate_json(answer.content)
        assert told.exhibit == name
        assert told.data == made[name]["data"]


def test_an_exhibit_that_is_not_there_is_named(shown, bare):
    answer = shown.get("/v1/exhibits/sales")
    assert answer.status_code == 404
    assert "have: backtests, " in answer.json()["detail"]
    assert "have: none" in bare.get("/v1/exhibits/lorenz").json()["detail"]
    assert bare.get("/v1/exhibits").json()["exhibits"] == []


def test_the_models_answer_for_themselves(shown, bare, made):
    told = Models.model_validate_json(shown.get("/v1/models").content)
    assert told.backtests == made["backtests"]["data"]
    assert told.ledger == made["promise"]["data"]
    assert told.drift == made["drift"]["data"]
    assert bare.get("/v1/models").json()["ledger"] is None


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_are_whole_in_both_languages(shown, path, language):
    page = shown.get(f"{path}{'&' if '?' in path else '?'}lang={language}")
    assert page.status_code == 200
    assert f'<html lang="{"zh-Hans" if language == "zh" else "en"}"' in page.text
    assert "None" not in re.sub(r"<[^>]*>", "", page.text)
    assert not re.search(r"\sstyle=|<script|\son\w+=", page.text)
    for picture in re.findall(r"<svg[^>]*>", page.text):
        assert 'aria-hidden="true"' in picture or "aria-label=" in picture


@pytest.mark.parametrize(
    "path", ["/segments", "/segments/abc", "/models", "/assets", "/loyalty", "/goods"]
)
def test_pages_of_a_run_without_exhibits_say_so(bare, path):
    page = bare.get(path)
    assert page.status_code == 200
    assert path == "/segments/abc" or "regulars score" in page.text


@pytest.mark.parametrize("path", PAGES)
def test_before_the_first_run_pages_say_what_to_do(empty_client, path):
    page = empty_client.get(path)
    assert page.status_code == 200
    assert "regulars score" in page.text


def test_unknown_groups_have_a_page_that_says_so(shown):
    page = shown.get("/segments/<b>")
    assert page.status_code == 404
    assert "No such groups" in page.text


def test_a_field_of_the_rfm_map_opens_the_list_of_its_customers(shown, made):
    page = shown.get("/segments").text
    links = re.findall(r'class="heat-\d"><a href="([^"]+)"><strong>([\d,]+)</strong>', page)
    cells = made["rfm_map"]["data"]["cells"]
    fields = made["value_potential_loyalty"]["data"]["fields"]
    assert len(links) == len(cells) + len(fields)
    for link, customers in links[:: len(links) // 6]:
        plain = link.replace("&amp;", "&")
        assert shown.get(plain).status_code == 200
        assert shown.get(f"/v1{plain}").json()["total"] == int(customers.replace(",", ""))


def test_colours_and_groups_of_the_pictures_can_be_chosen(shown):
    page = shown.get("/segments?shade=clv&by=lifecycle").text
    assert '<span aria-current="true">Predicted value</span>' in page
    assert '<span aria-current="true">Lifecycle</span>' in page
    assert shown.get("/segments?shade=x&by=y").status_code == 200


def test_who_moved_is_shown_as_a_picture_and_as_a_table(shown, run):
    page = shown.get("/segments/lifecycle").text
    ribbons = re.findall(r'class="ribbon \w+"[^>]*><title>[^<]*: ([\d,]+)</title>', page)
    assert sum(int(size.replace(",", "")) for size in ribbons) == len(run.scores)
    assert "Rows: the group on" in page


def test_the_page_of_the_models_compares_each_with_its_baseline(shown, trained):
    page = shown.get("/models").text
    for result in trained.result.backtest.results:
        assert f"“{result.task.baseline}”" in page
        assert f'<span class="grade {result.grade.letter}"' in page
    assert trained.result.run_id in page
    assert "No run's horizon has passed yet" in page


def test_the_training_is_linked_where_mlflow_is_known(shown, run, made, trained):
    store = fresh_runs()
    store.publish(run.info, run.scores, run.recommendations, made)
    linked = client_of(store, settings=Serve(mlflow_url="http://mlflow.example:5000/"))
    address = f"http://mlflow.example:5000/#/runs/{trained.result.run_id}"
    assert f'<a href="{address}">' in linked.get("/models").text
    assert "#/runs/" not in shown.get("/models").text


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("affinity", "bought_together"),
        ("funnel", "funnel"),
        ("assets", "customer_assets"),
        ("retention", "customer_loss"),
    ],
)
def test_some_exhibits_have_an_address_of_their_own(shown, bare, address, name):
    assert shown.get(f"/v1/{address}").json() == shown.get(f"/v1/exhibits/{name}").json()
    assert bare.get(f"/v1/{address}").status_code == 404
