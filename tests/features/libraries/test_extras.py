"""What the code calls the parts of an extra is what `pyproject.toml` installs for it."""

import re
import tomllib
from pathlib import Path

import pytest

from features.libraries.extras import EXTRAS

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text("utf-8"))
IMPORTED_AS = {"scikit_learn": "sklearn"}
"""Distribution → the package that is imported, where the names differ."""


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_has_the_packages_of_the_project(extra):
    requirements = PROJECT["project"]["optional-dependencies"][extra]
    names = (re.match(r"[\w.-]+", text)[0].replace("-", "_") for text in requirements)
    # an extra may ask for another one: regulars[train]
    own = sorted(IMPORTED_AS.get(name, name) for name in names if name != "regulars")
    assert sorted(EXTRAS[extra]) == own
