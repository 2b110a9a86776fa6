"""Revenue ahead by month, and the promises of earlier months."""

import io
import re
import zipfile
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from serving.exhibits.catalogue import exhibits_of
from serving.exhibits.newcomers import Newcomers
from serving.exhibits.store import ExhibitStore
from serving.scoring.run import score
from tests.serving.conftest import client_of
from tests.serving.exhibits.conftest import NOW, knowing_until
from tests.support.exhibits import EXHIBITS
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_runs


def test_months_of_both_kinds_add_up(trained, models):
    # early enough for new customers to come
    early = trained.log.first_day + timedelta(days=130)
    then = score(trained.log, knowing_until(models, early), early, NOW)
    made = exhibits_of(trained.log, then, models)
    ahead = made["revenue_ahead"]["data"]
    today, new = (made[name]["data"] for name in ("expected_revenue", "expected_new_customers"))
    months = ahead["months"]
    assert sum(month["today"]["expected"] for month in months) == pytest.approx(today["expected"])
    assert sum(month["new"]["expected"] for month in months) == pytest.approx(new["expected"])
    for parts in (*months, ahead["total"]):
        for end in ("expected", "low", "high"):
            both = parts["today"][end] + parts["new"][end]
            assert parts["together"][end] == pytest.approx(both, abs=0.005)
    assert ahead["kept"] == []


def test_new_customers_bring_more_in_later_thirds_of_a_horizon():
    # one customer came in each third and brings 10 in each third from then on
    value = np.triu(np.full((6, 6), 10.0)).T
    newcomers = Newcomers(value, np.ones(6), year=12)
    assert newcomers.profile() == pytest.approx([1 / 6, 2 / 6, 3 / 6])


def test_a_month_is_kept_as_the_latest_run_before_it_saw_it(trained, run, models):
    store = fresh_runs()
    start = date(2024, 7, 1)
    assert trained.log.end >= date(2024, 8, 1)
    for name, day, said in (("older", date(2024, 6, 1), 5.0), ("newer", start, 1e9)):
        month = {"month": "2024-07", "from": "2024-07-01", "expected": said, "low": 1.0}
        info = replace(run.info, run_id=name, as_of=day)
        body = {"data": {"months": [month | {"high": 2e9}]}}
        store.publish(info, run.scores, run.recommendations, {"expected_revenue": body})
    bodies = ExhibitStore(store.engine).exhibit
    found = exhibits_of(trained.log, run, models, store, bodies)["revenue_ahead"]["data"]
    (kept,) = found["kept"]
    lines = trained.orders
    first = lines.groupby("customer")["time"].transform("min")
    within = (lines["time"] >= pd.Timestamp(start)) & (lines["time"] < pd.Timestamp("2024-08-01"))
    came = lines.loc[within & (first < pd.Timestamp(start)), "amount"].sum()
    assert kept["run_id"] == "newer"
    assert kept["today"] == {
        "expected": 1e9,
        "low": 1.0,
        "high": 2e9,
        "came": pytest.approx(came),
        "is_within": True,
    }
    assert (kept["together"], found["kept_within"]) == (None, 1)


def test_the_page_holds_the_kept_month_and_the_workbook_all_of_it():
    store = fresh_runs()
    store.publish(run_info(), *score_tables(30), EXHIBITS)
    pages = client_of(store)
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", pages.get("/assets").text))
    assert "1 of 1 months ended within the forecast range" in page
    assert "£9,000 £7,500 to £10,800 £8,123 yes" in page
    answer = pages.get("/assets.xlsx")
    book = zipfile.ZipFile(io.BytesIO(answer.content))
    cells = re.sub(r"<[^>]*>", " ", book.read("xl/worksheets/sheet1.xml").decode()).split()
    assert {"90500.0", "-8000.0", "29600.0", "8123.0", "Loaf", "4000.0"} <= set(cells)
    chinese = pages.get("/assets.xlsx?lang=zh").content
    sheet = zipfile.ZipFile(io.BytesIO(chinese)).read("xl/worksheets/sheet1.xml").decode()
    assert "首单月份" in sheet
    assert client_of(fresh_runs()).get("/assets.xlsx").status_code == 200
