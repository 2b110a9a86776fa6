"""The pages for data scientists: their examples run, from top to bottom."""

import re
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest

from tests.support.shop import write_config
from tests.support.trained import copy_of

DOCS = Path(__file__).parents[3] / "docs"


def examples_of(page):
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def shop(trained, tmp_path, monkeypatch):
    shop = copy_of(trained, tmp_path)
    write_config(shop.settings)
    shop.orders.to_csv(tmp_path / "orders.csv", index=False)
    monkeypatch.chdir(tmp_path)
    mpl.use("agg")
    return shop


@pytest.mark.usefixtures("shop")
def test_the_way_of_a_data_scientist(capsys):
    names = {}
    for code in examples_of("data-scientists.md"):
        exec(compile(code, "data-scientists.md", "exec"), names)  # noqa: S102 - our own page
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
