"""The family of errors is drawn at the top of the file of each package, and the picture is true."""

import inspect
import re
from types import ModuleType

import pytest

import features.errors
import serving.errors
import training.errors
from features.errors import RegularsError

MODULES = (features.errors, training.errors, serving.errors)
LINE = re.compile(r"^    (?P<indent>[│ ]*)(?:[├└]── )?(?P<name>[A-Z]\w+)", re.MULTILINE)


def drawn(module: ModuleType) -> dict[str, str]:
    """Class in the picture → its parent in the picture."""
    parents: dict[str, str] = {}
    above: dict[int, str] = {}
    for line in LINE.finditer(module.__doc__ or ""):
        depth = 0 if line["name"] == "RegularsError" else 1 + len(line["indent"]) // 4
        above[depth] = line["name"]
        if depth:
            parents[line["name"]] = above[depth - 1]
    return parents


def defined(module: ModuleType) -> dict[str, str]:
    """Class of the module → its parent, helpers of the family left out."""
    classes = [
        value
        for _, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, RegularsError) and value.__module__ == module.__name__
    ]
    helpers = {"RegularsError", "SeveralProblems"}
    return {
        error.__name__: next(
            base.__name__ for base in error.__mro__[1:] if base.__name__ != "SeveralProblems"
        )
        for error in classes
        if error.__name__ not in helpers
    }


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_picture_shows_every_error_under_its_parent(module):
    assert drawn(module) == defined(module)
    assert defined(module)


def test_packages_share_one_base_and_no_name():
    names = [name for module in MODULES for name in defined(module)]
    assert len(names) == len(set(names))
