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
WRONG = {
    "training.folds": "the deal is another one by now",
    "training.metrics": "cohen_kappa returns a number of numpy's",
}


def _case(name):
    marks = [pytest.mark.xfail(reason=WRONG[name])] if name in WRONG else []
    return pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", [_case(name) for name in NAMES])
def test_examples_in_the_docstrings_hold(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
