"""What all pages share: languages, choices, and what they say where there is nothing to show."""

import re
from html import unescape

import pytest

from serving.errors import StoreError
from serving.runs.store import RunStore
from tests.serving.conftest import client_of, shown
from tests.support.stores import fresh_database


@pytest.mark.parametrize("path", ["/", "/churn-list", "/customers/1", "/churn-list?customer=1"])
def test_before_the_first_run_the_pages_say_what_to_do(empty_client, path):
    page = empty_client.get(path)
    assert page.status_code == 200
    assert "regulars score" in page.text


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "path", ["/", "/churn-list", "/customers/012007", "/campaigns", "/campaigns/new", "/docs"]
)
def test_every_page_speaks_both_languages(path, language):
    page = shown(earlier=True).get(path, headers={"Accept-Language": language})
    assert page.status_code == 200
    assert f'<html lang="{"zh-Hans" if language == "zh" else "en"}"' in page.text
    assert any("\u4e00" <= sign <= "\u9fff" for sign in page.text.replace("中文", "")) == (
        language == "zh"
    )


def test_a_choice_of_language_and_colours_is_kept_in_cookies(client):
    chosen = client.get("/?lang=zh&theme=dark")
    cookies = chosen.headers.get_list("set-cookie")
    assert [cookie.partition(";")[0] for cookie in cookies] == ["lang=zh", "theme=dark"]
    assert all("HttpOnly" in cookie and "SameSite=lax" in cookie for cookie in cookies)
    again = client.get("/", headers={"Cookie": "lang=zh; theme=dark", "Accept-Language": "en"})
    assert 'lang="zh-Hans" data-theme="dark"' in again.text
    assert "set-cookie" not in again.headers
    assert 'lang="en"' in client.get("/?lang=odd", headers={"Cookie": "lang=odder"}).text


BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/customers/nobody", 404),
        ("GET", "/campaigns/none", 404),
        ("GET", "/segments/none", 404),
        ("GET", "/v1/customers/nobody", 404),
        ("DELETE", "/segments", 405),
        ("GET", "/v1/churn-list?limit=x", 422),
        ("GET", "/v1/imports", 503),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_errors_are_pages_with_a_way_on(client, method, path, status, language):
    answer = client.request(method, path, headers={**BROWSER, "Accept-Language": language})
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert f'lang="{"zh-Hans" if language == "zh" else "en"}"' in answer.text
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    ways = re.findall(r'<a href="([^"]+)"', main)
    assert ways
    assert client.get(unescape(ways[-1])).status_code == 200


def test_a_store_that_is_away_has_a_page():
    class Away(RunStore):
        def latest_run(self):
            raise StoreError("gone")

    page = client_of(Away(fresh_database())).get("/")
    assert page.status_code == 503
    assert "cannot be read at the moment" in page.text
