"""The pages for data scientists: their examples run, from top to bottom."""

import re
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib import pyplot as plt

import regulars
from tests.support.shop import simulate_orders, write_config
from tests.support.trained import SHOP, copy_of

DOCS = Path(__file__).parents[3] / "docs"


def examples_of(page):
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


def run(page):
    """Run the examples of a page; returns what they have left."""
    names = {}
    for code in examples_of(page):
        exec(compile(code, page, "exec"), names)  # noqa: S102 - our own page
    return names


@pytest.fixture
def shop(trained, tmp_path, monkeypatch):
    shop = copy_of(trained, tmp_path)
    write_config(shop.settings)
    shop.orders.to_csv(tmp_path / "orders.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return shop


@pytest.mark.usefixtures("shop")
def test_the_way_of_a_data_scientist(capsys):
    names = run("data-scientists.md")
    told = capsys.readouterr().out
    assert "customer_id from 'customer'" in told
    assert "regulars-churn" in told
    # what is shown is what was published
    scores = names["scores"]
    published = names["shop"].scores()
    names["shop"].close()
    assert published.index.equals(scores.index)
    assert published["churn_probability"].tolist() == scores["churn_probability"].round(4).tolist()
    assert set(names["at_risk"].index) == set(
        scores.index[scores["retention_risk"].isin(["high", "critical"])]
    )
    assert isinstance(names["products"], pd.DataFrame)
    assert set(names["products"]["customer_id"]) <= set(scores.index)


def test_the_way_from_lifetimes(tmp_path, monkeypatch):
    mpl.use("agg")
    monkeypatch.chdir(tmp_path)
    simulate_orders(**SHOP).to_csv("orders.csv", index=False)
    names = run("coming-from-lifetimes.md")
    plt.close("all")
    table = names["table"]
    assert table["p_alive"][table["frequency"] == 0].eq(1).all()
    assert (table["clv"] > 0).all()
    assert len(names["totals"]) == 5


def test_every_call_beside_those_of_lifetimes_exists():
    page = (DOCS / "coming-from-lifetimes.md").read_text(encoding="utf-8")
    rows = [line.split("|")[2] for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) > 20
    models = [regulars.BetaGeometricModel, regulars.GammaGammaModel]
    learned = {"params_", "summary_"}
    for row in rows:
        for code in re.findall(r"`([^`]+)`", row):
            method = re.match(r"(?:model|gg|\(model)?\.(\w+)", code)
            if method:
                name = method[1]
                assert name in learned or any(hasattr(model, name) for model in models), code
            elif name := re.match(r"(\w+)\(", code):
                assert name[1] in regulars.__all__, code
