"""What holds of the project as a whole."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest

import regulars

ROOT = Path(__file__).parent.parent
PACKAGES = ("features", "training", "serving")


def test_no_other_installed_distribution_owns_our_import_names():
    owners = importlib.metadata.packages_distributions()
    for package in (*PACKAGES, "regulars"):
        assert set(owners.get(package, ["regulars"])) == {"regulars"}


def test_constraints_pin_every_dependency_without_addresses():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9_.\-]+==[A-Za-z0-9_.\-+!]+", pin) for pin in pins)
    pinned = {re.sub(r"[-_.]+", "-", pin.split("==")[0]).lower() for pin in pins}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", text)[0]).lower() for text in wanted}
    assert names - pinned <= {"regulars"}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_file_is_longer_than_a_reader_can_hold(package):
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / package).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 500
    }
    assert not long


def test_every_name_of_the_notebooks_module_is_there_and_nothing_in_the_project_needs_it():
    assert all(hasattr(regulars, name) for name in regulars.__all__)
    assert dir(regulars) == sorted(regulars.__all__)
    assert regulars.__version__ == importlib.metadata.version("regulars")
    needing = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"^\s*(from|import) regulars\b", path.read_text(), re.MULTILINE)
    ]
    assert not needing
