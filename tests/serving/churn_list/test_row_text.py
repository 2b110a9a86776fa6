"""Rows that are cut out of documents say what rows that are read say."""

import json

import pytest

from serving.churn_list.lists import item
from serving.churn_list.row_text import RowCutter
from serving.scoring.answers import blocks
from tests.support.scores import run_info, score_tables

LOOKS_LIKE_NAMES = 'Ann","clv":1,"as_of":"x"},"profile":{"orders":'


@pytest.fixture(scope="module")
def documents() -> list[bytes]:
    scores, recommendations = score_tables(200)
    scores["name"] = scores["name"].astype(object)
    scores.loc[:20, "name"] = LOOKS_LIKE_NAMES
    texts = blocks(run_info(), scores, recommendations, digits=2)
    return [text.encode() for block in texts for text in block["document"]]


def test_a_row_that_is_cut_says_what_the_document_says(documents: list[bytes]) -> None:
    cutter = RowCutter()
    for document in documents:
        row = json.loads(cutter.text(document))
        assert row == item(document)
        # in the order of the document: it was not read
        assert list(row)[2:4] == ["p_order", "churn_probability"]
    assert item(documents[0])["name"] == LOOKS_LIKE_NAMES


def test_a_row_of_some_fields_has_these_alone(documents: list[bytes]) -> None:
    cutter = RowCutter(["segments", "clv", "orders"])
    for document in documents:
        whole = item(document)
        row = json.loads(cutter.text(document))
        assert row == {name: whole[name] for name in ("segments", "clv", "orders")}


def test_a_document_of_another_layout_is_read(documents: list[bytes]) -> None:
    for gone in ("rhythm", "indices"):
        answer = json.loads(documents[0])
        del answer[gone]
        document = json.dumps(answer).encode()
        assert json.loads(RowCutter().text(document)) == item(document)
        assert json.loads(RowCutter(["clv"]).text(document)) == {"clv": answer["clv"]}
