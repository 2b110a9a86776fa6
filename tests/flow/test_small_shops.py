"""Eighty customers get answers that say how little is known; three get a clear refusal."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from serving.commands.main import main
from tests.support.shop import shop_settings, simulate_orders, write_config


@pytest.fixture(scope="module")
def orders():
    return simulate_orders(customers=900, days=365, seed=12)


def shop_of(orders, customers, root, seed):
    """The configuration of a shop with a few random customers, all settings as they come."""
    chosen = np.random.default_rng(seed).choice(orders["customer"].unique(), customers, False)
    orders[orders["customer"].isin(chosen)].to_parquet(root / "orders.parquet", index=False)
    settings = shop_settings(root)
    defaults = type(settings.train)()
    return write_config(settings.model_copy(update={"train": defaults}))


def regulars(config, *arguments):
    return CliRunner().invoke(main, [*arguments, "--config", str(config)])


def test_eighty_customers_are_answered_and_the_answers_labelled(orders, tmp_path):
    config = shop_of(orders, 80, tmp_path, 0)
    trained = regulars(config, "train", "--json")
    assert trained.exit_code == 0, trained.stderr
    said = json.loads(trained.stdout)
    assert 0 < said["prior_share"] < 1
    assert said["customers"] <= 80
    # little is sure of so few
    assert {grade["letter"] for grade in said["grades"].values()} <= set("ABCD")
    scored = regulars(config, "score", "--output", str(tmp_path / "out"))
    assert scored.exit_code == 0, scored.stderr
    scores = pd.read_parquet(tmp_path / "out" / "scores.parquet")
    figures = scores[["churn_probability", "p_alive", "clv", "clv_low", "clv_high"]]
    assert np.isfinite(figures).all(axis=None)
    # shrunk: nobody of eighty is surely lost or surely kept
    assert scores["churn_probability"].between(0.001, 0.999).all()


@pytest.mark.parametrize("seed", [1, 2])
def test_three_customers_are_refused_in_one_line(seed, orders, tmp_path):
    config = shop_of(orders, 3, tmp_path, seed)
    for command in ("train", "backtest"):
        found = regulars(config, command)
        assert found.exit_code == 1
        assert found.stderr.count("\n") == 1
        assert "train.min_customers asks for 20" in found.stderr
    found = regulars(config, "score")
    assert found.exit_code == 1
    assert "no models have been published. Run `regulars train` first." in found.stderr
