"""The wheel: what is in it, and that it works by itself, without what only a training needs."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path

import httpx2
import pandas as pd
import pytest
from hatchling import build

from features.libraries.extras import EXTRAS
from features.packages import ROOT as REGULARS
from features.packages import bill_of_materials, installed_packages
from serving.commands.shop.demo import DEMO_SETTINGS
from tests.support.servers import free_port, serving
from tests.support.shop import shop_settings, write_config
from tests.support.trained import SECTIONS

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file):
    return {plain(name): version for name, version in PIN.findall((ROOT / file).read_text())}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this source folder."""
    folder = tmp_path_factory.mktemp("wheel")
    here = Path.cwd()
    os.chdir(ROOT)
    try:
        return folder / build.build_wheel(str(folder))
    finally:
        os.chdir(here)


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory):
    """The environment of a process that has the wheel, and nothing that only a training needs."""
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
    absent = [*EXTRAS["train"], *EXTRAS["demo"]]
    (site / "sitecustomize.py").write_text(
        f"import sys\nsys.modules.update(dict.fromkeys({absent!r}))\n"
    )
    return {**os.environ, "PYTHONPATH": str(site)}


def regulars(env, folder, *words):
    command = [sys.executable, "-m", "serving.commands.main", *words]
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=200
    )


SENT = {"order_id": "1", "ordered_at": "2024-05-01T10:00:00Z", "product_id": "p000", "amount": 4.5}


def scored(address, body):
    """The answer to orders that are sent along; the scorer may be starting."""
    give_up = time.monotonic() + 60
    while True:
        answer = httpx2.post(f"{address}/v1/score", json=body)
        if answer.status_code != 503 or time.monotonic() > give_up:
            return answer.raise_for_status().json()


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(wheel):
    with zipfile.ZipFile(wheel) as packed:
        held = {name for name in packed.namelist() if ".dist-info/" not in name}
    there = {
        path.relative_to(ROOT).as_posix()
        for package in ("features", "training", "serving")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert held == there | {"regulars.py"}


def test_from_the_wheel_every_command_starts_somewhere_else(bare, tmp_path):
    code = "import regulars, serving; print(regulars.__version__, serving.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=tmp_path,
        env=bare,
        capture_output=True,
        text=True,
    )
    version, file = done.stdout.split()
    assert version == PROJECT["version"]
    assert file.startswith(bare["PYTHONPATH"])
    assert regulars(bare, tmp_path, "--help").returncode == 0


@pytest.mark.parametrize("command", ["train", "backtest", "promote"])
def test_what_needs_an_extra_says_which_and_what_to_type(bare, tmp_path, command):
    write_config(shop_settings(tmp_path, **SECTIONS))
    done = regulars(bare, tmp_path, command)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.endswith("Type: pip install 'regulars[train]'")
    assert all(package in line for package in EXTRAS["train"])


def test_the_demo_says_what_it_needs_before_it_writes_anything(bare, tmp_path):
    done = regulars(bare, tmp_path, "demo", "--no-serve")
    assert done.returncode == 2
    assert done.stderr.splitlines()[0].endswith("Type: pip install 'regulars[demo]'")
    assert list(tmp_path.iterdir()) == []


def test_the_settings_of_the_demo_come_along():
    assert DEMO_SETTINGS.read_bytes() == (ROOT / "regulars.toml").read_bytes()


def test_scores_are_the_same_without_what_only_a_training_needs(bare, trained, tmp_path):
    scores = []
    for name, env in (("bare", bare), ("whole", dict(os.environ, PYTHONPATH=str(ROOT)))):
        shop = tmp_path / name
        shutil.copytree(trained.root, shop)
        write_config(shop_settings(shop, **SECTIONS))
        done = regulars(env, shop, "score", "--output", "out")
        assert done.returncode == 0, done.stderr
        scores.append(pd.read_parquet(shop / "out" / "scores.parquet"))
    pd.testing.assert_frame_equal(*scores, check_exact=True)
    with serving(tmp_path / "bare" / "regulars.toml", free_port(), bare) as (address, _):
        known = scores[0]["customer_id"].iloc[0]
        assert httpx2.get(f"{address}/v1/customers/{known}").json()["customer_id"] == known
        lone = {"customer_id": "new", "lines": [SENT]}
        assert scored(address, lone)["status"] == "one_order"
    told = json.loads(regulars(bare, tmp_path / "bare", "models", "--json").stdout)
    assert told["models"] == []
    assert "pip install 'regulars[train]'" in told["registry_problem"]
    assert told["in_force"]["models"].keys() == trained.result.versions.keys()


@pytest.mark.parametrize("parts", ["serve", "train"])
def test_what_is_installed_with_hashes_is_what_is_tried(parts):
    file = f"requirements/{parts}.txt"
    locked, tried = pins(file), pins("constraints.txt")
    assert {name: v for name, v in locked.items() if tried.get(name, v) != v} == {}
    extras = PROJECT["optional-dependencies"]
    asked = [*PROJECT["dependencies"], *extras["postgres"]]
    asked += extras["train"] if parts == "train" else []
    names = {plain(re.split(r"[^A-Za-z0-9._-]", text)[0]) for text in asked}
    assert names <= locked.keys()
    text = (ROOT / file).read_text()
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(locked)
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", block) for block in blocks)
    assert "://" not in text


def test_serving_installs_nothing_that_only_a_training_needs():
    assert (
        not {"mlflow", "matplotlib", "scikit-learn", "flask"}
        & pins("requirements/serve.txt").keys()
    )


def test_the_bill_of_materials_names_each_package_once_and_whom_it_needs():
    packages = installed_packages()
    bill = bill_of_materials(packages)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    root = bill["metadata"]["component"]
    assert (root["name"], root["type"]) == (REGULARS, "application")
    assert root["licenses"] == [{"expression": "Apache-2.0"}]
    components = {one["name"]: one for one in bill["components"]}
    assert len(components) == len(bill["components"]) == len(packages) - 1
    assert components["duckdb"]["purl"] == f"pkg:pypi/duckdb@{pins('constraints.txt')['duckdb']}"
    refs = {root["bom-ref"], *(one["bom-ref"] for one in components.values())}
    graph = {one["ref"]: set(one["dependsOn"]) for one in bill["dependencies"]}
    assert graph.keys() == refs
    assert set().union(*graph.values()) <= refs
    assert components["numpy"]["bom-ref"] in graph[components["lightgbm"]["bom-ref"]]


def test_licences_are_told_of_nearly_all():
    silent = [package.name for package in installed_packages() if package.licence == "not stated"]
    assert len(silent) < 0.1 * len(installed_packages())
