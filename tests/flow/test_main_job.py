"""The whole way of a shop, by its real commands: from a CSV file to an answer over HTTP."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
import tomlkit

from tests.support.shop import simulate_orders
from tests.support.trained import SECTIONS, SHOP

REGULARS = [sys.executable, "-m", "serving.commands.main"]
TRAINING_LIBRARIES = ("lightgbm", "duckdb", "pandas", "numpy", "scipy", "sklearn", "pyarrow")


def regulars(folder, *arguments):
    """Run a command as a shop would, and read its document."""
    done = subprocess.run(
        [*REGULARS, *arguments, "--json"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextmanager
def serving(folder):
    """The address of `regulars serve` on a free port, and its process."""
    process = subprocess.Popen(
        [*REGULARS, "serve", "--port", "0"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for line in process.stderr:
            if found := re.search(r"running on (http://127\.0\.0\.1:\d+)", line):
                yield found[1], process
                break
        else:
            pytest.fail("the server did not start")
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=30)


def get(address):
    with urllib.request.urlopen(address, timeout=20) as response:  # noqa: S310 - our own
        return response.read()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("shop")


@pytest.fixture(scope="module")
def steps(folder):
    """Every command of a shop's first day, then a second training; what each said."""
    orders = simulate_orders(**SHOP)
    orders.to_csv(folder / "orders.csv", index=False)
    said = {"init": regulars(folder, "init", "orders.csv")}
    small_shop(folder / "regulars.toml")
    said["check"] = regulars(folder, "check")
    said["train"] = regulars(folder, "train")
    said["score"] = regulars(folder, "score", "--output", "out")
    said["nothing new"] = regulars(folder, "train")
    said["again"] = regulars(folder, "train", "--again")
    return said


def small_shop(config):
    values = tomlkit.parse(config.read_text(encoding="utf-8"))
    for section, changes in SECTIONS.items():
        values[section] = {**values.get(section, {}), **changes}
    config.write_text(tomlkit.dumps(values), encoding="utf-8")


def test_the_proposed_configuration_reads_the_file(folder, steps):
    columns = tomlkit.parse((folder / "regulars.toml").read_text(encoding="utf-8"))["data"]
    assert columns["columns"]["customer_id"] == "customer"
    assert columns["columns"]["ordered_at"] == "time"
    assert steps["init"]["config"] == "regulars.toml"


def test_the_doctor_counts_every_row(folder, steps):
    rows = len(pd.read_csv(folder / "orders.csv"))
    found = steps["check"]
    assert found["rows_read"] == rows
    assert found["rows_used"] + found["rows_quarantined"] == rows


def test_the_training_is_published(folder, steps):
    assert steps["train"]["refused"] == {}
    assert set(steps["train"]["versions"].values()) == {"1"}
    assert (folder / "data" / "bundles" / steps["train"]["bundle"]).is_dir()
    assert {grade["letter"] for grade in steps["train"]["grades"].values()} <= set("ABCD")


def models_in(bundle):
    """Every file of the models; what the registry calls them, the version, is not theirs."""
    files = {
        str(path.relative_to(bundle)): path.read_bytes()
        for path in bundle.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    evidence = json.loads(files.pop("evidence/evidence.json"))
    for task in evidence["tasks"].values():
        del task["version"]
    return files | {"evidence": evidence}


def test_the_same_orders_are_not_learned_from_again_and_never_make_a_new_version(folder, steps):
    assert steps["nothing new"]["nothing_new"] is True
    assert steps["nothing new"]["versions"] == steps["train"]["versions"]
    assert steps["nothing new"]["bundle"] == steps["train"]["bundle"]
    assert set(steps["again"]["versions"].values()) == {"1"}
    bundles = folder / "data" / "bundles"
    current = (bundles / "current").read_text(encoding="utf-8").strip()
    assert current == steps["again"]["bundle"] != steps["train"]["bundle"]
    assert steps["again"]["grades"] == steps["train"]["grades"]
    # the same orders and the same seed, in another process: the same files
    first, second = (models_in(bundles / steps[name]["bundle"]) for name in ("train", "again"))
    assert first == second != {}


def test_the_scores_are_files_too(folder, steps):
    scores = pd.read_parquet(folder / "out" / "scores.parquet")
    assert len(scores) == steps["score"]["customers"] == steps["check"]["customers"]
    assert len(pd.read_parquet(folder / "out" / "recommendations.parquet")) > len(scores)


def test_the_answers_over_http_are_the_scores(folder, steps):
    scores = pd.read_parquet(folder / "out" / "scores.parquet").set_index("customer_id")
    with serving(folder) as (address, process):
        said = json.loads(get(f"{address}/v1/customers/c0001"))
        assert said["churn_probability"] == pytest.approx(
            scores.loc["c0001", "churn_probability"], abs=5e-5
        )
        assert said["next_order"]["date"] == str(scores.loc["c0001", "next_order_date"])
        assert said["lineage"]["run_id"] == steps["score"]["run_id"]
        listed = json.loads(get(f"{address}/v1/churn-list?limit=1000"))
        assert {row["customer_id"] for row in listed["customers"]} == set(scores.index)
        assert b"c0001" in get(f"{address}/customers/c0001")
        assert b"<html" in get(f"{address}/")
        maps = Path(f"/proc/{process.pid}/maps")
        if maps.exists():
            loaded = maps.read_text(encoding="utf-8")
            assert not [name for name in TRAINING_LIBRARIES if f"/{name}/" in loaded]


def test_people_get_lines_without_json(folder, steps):
    done = subprocess.run(
        [*REGULARS, "list", "--risk", "critical", "--risk", "high"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr == ""
    counts = steps["score"]["retention_risk"]
    assert f": {counts['critical'] + counts['high']}, €" in done.stdout.splitlines()[0]
