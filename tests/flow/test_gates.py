"""Runs that no shop would want published: they stop, say why, and can be let through by name."""

import json
import re
import shutil
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from serving.commands.main import main
from serving.runs.store import RunStore
from tests.support.shop import write_config
from tests.support.trained import copy_of
from training.bundle.in_force import publication_lock
from training.bundle.manifest import current_bundle
from training.bundle.publication import Kept, golden_rows_of, load_models, publish_bundle
from training.stand_ins.churn import load_churn


@pytest.fixture(scope="module")
def shop(trained, tmp_path_factory):
    """A shop that is trained and scored, and its orders."""
    settings = copy_of(trained, tmp_path_factory.mktemp("shop")).settings
    # other prices are scored here, not learned from
    patient = settings.train.model_copy(update={"due_drift": 100.0})
    settings = settings.model_copy(update={"train": patient})
    write_config(settings)
    assert regulars(settings, "run").exit_code == 0
    return settings, trained.orders


def regulars(settings, *arguments):
    config = str(settings.root / "regulars.toml")
    return CliRunner().invoke(main, [*arguments, "--config", config])


def in_force(settings):
    """What readers see: the latest run, and the models of the next."""
    store = RunStore(settings.database_url(settings.store.url))
    run = store.latest_run().info
    store.close()
    return run, current_bundle(settings.path(settings.store.bundles)).name


@contextmanager
def orders_are(settings, orders, usual):
    orders.to_parquet(settings.root / "orders.parquet", index=False)
    yield
    usual.to_parquet(settings.root / "orders.parquet", index=False)


def broken(orders):
    """Nine orders in ten are gone, and amounts are a hundredfold; nobody is gone for good."""
    rng = np.random.default_rng(4)
    ids = orders["order"].drop_duplicates()
    first = orders.drop_duplicates("customer")["order"]
    kept = {*first, *ids[rng.random(len(ids)) < 0.1]}
    return orders[orders["order"].isin(kept)].assign(amount=lambda rows: rows["amount"] * 100)


@pytest.mark.parametrize("command", [("run",), ("run", "--train"), ("train",), ("score",)])
def test_a_log_that_lost_its_orders_stops_before_anything_learns(command, shop):
    settings, orders = shop
    before = in_force(settings)
    with orders_are(settings, broken(orders), orders):
        stopped = regulars(settings, *command)
    assert stopped.exit_code == 3, stopped.output
    assert "orders_dropped: " in stopped.stderr
    assert "money_jumped: an order brings" in stopped.stderr
    assert "--accept CODE=REASON" in stopped.stderr + stopped.stdout
    assert in_force(settings) == before


def test_a_gate_is_opened_by_name_and_the_reason_is_kept(shop):
    settings, orders = shop
    dearer = orders.assign(amount=orders["amount"] * 100)
    with orders_are(settings, dearer, orders):
        wrong_name = regulars(settings, "score", "--accept", "bands_moved=seen")
        assert wrong_name.exit_code == 3
        assert "bands_moved" not in wrong_name.stderr
        codes = ("money_jumped", "total_moved", "inputs_drifted")
        reasons = [f"--accept={code}=in cents now" for code in codes]
        opened = regulars(settings, "run", "--json", *reasons)
    assert opened.exit_code == 0, opened.stderr
    accepted = json.loads(opened.stdout)["accepted"]
    assert accepted["money_jumped"].endswith("Accepted: in cents now")
    assert in_force(settings)[0].accepted == accepted
    # and back again is as far
    back = [f"--accept={code}=back" for code in codes]
    assert regulars(settings, "run", *back).exit_code == 0


def without_numbers(settings, folder):
    """The models in force once more, with every leaf of the churn model's trees set to NaN."""
    bundles = settings.path(settings.store.bundles)
    models = load_models(settings)
    bundle = current_bundle(bundles)
    files = shutil.copytree(bundle / "churn", folder / "churn")
    for trees in files.glob("*.txt"):
        text = re.sub(
            r"^leaf_value=.*$",
            lambda line: re.sub(r"[-+.\de]+(?= |$)", "nan", line[0]),
            trees.read_text(),
            flags=re.MULTILINE,
        )
        trees.write_text(re.sub(r"^tree_sizes=.*\n", "", text, flags=re.MULTILINE))
    kept = {name: Kept(getattr(models, name), bundle / name) for name in models.manifest.models}
    kept["churn"] = Kept(load_churn(files), files)
    kept["evidence"] = Kept(None, bundle / "evidence")
    kept["live"] = Kept(None, bundle / "live")
    manifest = replace(models.manifest, bundle_id="without-numbers", files={}, previous=bundle.name)
    golden = golden_rows_of(bundle, models.manifest)
    with publication_lock(bundles):
        publish_bundle(bundles, manifest, kept, golden)


def test_models_that_say_no_number_are_stopped(shop, tmp_path):
    settings, _ = shop
    before = in_force(settings)[0]
    without_numbers(settings, tmp_path)
    stopped = regulars(settings, "score")
    assert stopped.exit_code == 3, stopped.output
    assert "null_scores: 100.0% of the customers" in stopped.stderr
    assert in_force(settings)[0] == before
    assert regulars(settings, "run").exit_code == 3
    assert in_force(settings)[0] == before
    assert regulars(settings, "rollback").exit_code == 0
    assert regulars(settings, "score").exit_code == 0
