"""Versions beside each other, as the page shows them."""

import re

import pytest

from tests.serving.conftest import client_of
from tests.support.exhibits import EXHIBITS
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_runs


@pytest.fixture(scope="module")
def client():
    store = fresh_runs()
    store.publish(run_info(), *score_tables(3), exhibits=EXHIBITS)
    return client_of(store)


def words_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.text))


def test_each_part_has_its_gain_and_interval(client):
    words = words_of(client.get("/models/compare"))
    assert "By how much version 3 is better than version 2: Log loss." in words
    assert "All customers 400 +3.1%" in words
    assert "Days from 1 Sep 2025 200 +4.0%" in words
    assert "Orders so far: 2 or more 90 −2.0%" in words
    assert "Tenth 10 of the prediction 40 0.0%" in words
    assert 'href="/models/compare"' in client.get("/models").text


def test_versions_without_a_day_in_common_stand_beside_the_rule(client):
    words = words_of(client.get("/models/compare?model=churn&version=3&other=1"))
    assert "Versions 3 and 1 were judged on no day in common" in words
    assert re.search(r"version 3 is better than inactivity rule: Log loss.*400 \+20.0%", words)
    assert re.search(r"version 1 is better than inactivity rule: Log loss.*300 \+15.0%", words)


def test_what_was_never_compared_says_so(client):
    words = words_of(client.get("/models/compare?model=churn&version=9&other=1"))
    assert "These versions were not compared" in words
    empty = fresh_runs()
    empty.publish(run_info(), *score_tables(3))
    assert client_of(empty).get("/models/compare").status_code == 200
