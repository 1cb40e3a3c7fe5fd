"""Examples in the docstrings of the room, run as they stand."""

import doctest
import importlib
import pkgutil

import pytest

import training

NAMES = [
    module.name
    for module in pkgutil.walk_packages(training.__path__, "training.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", NAMES)
def test_examples_in_the_docstrings_hold(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
