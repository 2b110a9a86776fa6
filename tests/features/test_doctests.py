"""The examples in docstrings are true."""

import doctest
import importlib
import pkgutil

import pytest

import features

MODULES = [module.name for module in pkgutil.walk_packages(features.__path__, prefix="features.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_some():
    finder = doctest.DocTestFinder()
    found = [test for name in MODULES for test in finder.find(importlib.import_module(name))]
    assert sum(len(test.examples) for test in found) >= 4
