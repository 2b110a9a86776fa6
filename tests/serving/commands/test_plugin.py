"""`regulars plugin new`: what it writes can be installed, and is found by every process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from serving.commands.main import main

ROOT = Path(__file__).parents[3]

USED = """
import features.catalogue, sys
assert "sklearn" not in sys.modules
assert "my_shop_lateness" in features.catalogue.FEATURES
from training.tasks.own_models import own_estimator
print(own_estimator("churn_model", "my_shop_churn")[-1], own_estimator("value_model", "my_shop_value")[-1])
"""


def new(*words):
    return CliRunner().invoke(main, ["plugin", "new", *words])


def test_what_it_writes_can_be_installed_and_used(tmp_path):
    done = new("my_shop", "--output", str(tmp_path / "package"))
    assert done.exit_code == 0, done.output
    assert f"pip install -e {tmp_path / 'package'}" in done.stdout
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    subprocess.run(
        [*pip, "--no-index", "--no-build-isolation", "--no-deps", "--target",
         str(tmp_path / "installed"), str(tmp_path / "package")],
        check=True, capture_output=True,
    )  # fmt: skip
    path = f"{ROOT}{os.pathsep}{tmp_path / 'installed'}"
    used = subprocess.run(
        [sys.executable, "-c", USED],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert used.returncode == 0, used.stderr
    assert used.stdout == "LogisticRegression(C=0.1) TweedieRegressor(power=1.5)\n"


@pytest.mark.parametrize(
    ("name", "why"), [("My-Shop", "small letters"), ("json", "Python has a module")]
)
def test_a_name_that_cannot_be_taken_is_refused(name, why, tmp_path):
    done = new(name, "--output", str(tmp_path))
    assert done.exit_code == 2
    assert why in done.stderr


def test_nothing_is_overwritten(tmp_path):
    assert new("my_shop", "--output", str(tmp_path)).exit_code == 0
    done = new("my_shop", "--output", str(tmp_path))
    assert done.exit_code == 2
    assert "is there already" in done.stderr
