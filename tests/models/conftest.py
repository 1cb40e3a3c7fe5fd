"""A tiny encoder in every form: weights file, converted folder, and the real one where it is asked for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.weights import BUNDLED, default_cache, prepare_encoder
from tests.tiny_encoder import TinyE5S, write_tiny_folder


@pytest.fixture
def tiny_e5s():
    """The class, to be changed and written by a test."""
    return TinyE5S


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """A converted tiny encoder; tests must not change it."""
    return write_tiny_folder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def model_cache():
    """Where the real weights are or will be."""
    configured = os.environ.get("CLOSELOOP_MODEL_CACHE")
    return Path(configured) if configured else default_cache()


@pytest.fixture(scope="session")
def real_folder(model_cache):
    """The real encoder, converted."""
    return prepare_encoder(BUNDLED, model_cache, report=print)


@pytest.fixture
def start_python(pytestconfig):
    """Start a script in a process of its own, which finds the project wherever the tests run."""
    started = []

    def start(script, *arguments, **environment):
        process = subprocess.Popen(  # noqa: S603 (the test's own script)
            [sys.executable, "-c", script, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(pytestconfig.rootpath), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
