"""`closeloop serve` as a process of its own, on the real encoder."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from models.artefact import write_artefact
from models.branch import Branch, BranchShape
from models.encoder.identity import encoder_identity
from models.weights import BUNDLED, default_cache, prepare_encoder

pytestmark = [pytest.mark.weights, pytest.mark.slow]

COMMAND = [sys.executable, "-c", "from service.cli import app; app()"]


@pytest.fixture
def environment(tmp_path, tiny_artefact):
    """Settings of a service whose heads were trained on another encoder: it starts, and says so."""
    manifest = tiny_artefact.manifest.model_copy(update={"created": datetime.now(UTC)})
    write_artefact(tmp_path / "model", manifest=manifest, heads=tiny_artefact.heads, branch=None, card="card")
    return {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "CLOSELOOP_DATA_DIR": str(tmp_path / "var"),
        "CLOSELOOP_MODEL": str(tmp_path / "model"),
        "CLOSELOOP_LOG_FORMAT": "json",
    }


@pytest.fixture(scope="module")
def model_encoder_name():
    return encoder_identity(prepare_encoder(BUNDLED, default_cache(), report=print))[0]


@pytest.fixture
def service(environment) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(  # noqa: S603  our own
        [*COMMAND, "serve", "--port", "0"], env=environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr
    try:
        for line in process.stderr:
            event = json.loads(line)
            if event["event"] == "listening":
                yield process, event["url"]
                break
        else:
            pytest.fail(f"it ended with {process.wait()}")
    finally:
        process.kill()
        process.communicate()


def run(environment, *arguments):
    return subprocess.run(  # noqa: S603  our own
        [*COMMAND, *arguments], env=environment, capture_output=True, text=True, check=False
    )


def test_a_missing_model_folder_is_one_line_without_a_traceback(environment, tmp_path):
    done = run({**environment, "CLOSELOOP_MODEL": str(tmp_path / "none")}, "serve", "--port", "0")
    assert done.returncode == 1
    assert "closeloop: cannot start: expected a model folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_model_of_an_earlier_form_is_one_line_without_a_traceback(environment, tmp_path):
    manifest = tmp_path / "model" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"schema_version": 1}))
    done = run(environment, "serve", "--port", "0")
    assert done.returncode == 1
    assert f"closeloop: cannot start: {manifest} has schema version 1, this program reads 2" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_branch_that_does_not_fit_the_encoder_is_one_line_without_a_traceback(
    environment, tmp_path, tiny_artefact, model_encoder_name
):
    shape = BranchShape(from_layer=1, first_layer=2, layers=1, queries=11, hidden=96)
    shapes = {"queries": (11, 96), "key.weight": (96, 96), "key.bias": (96,), "layers.0.w": (2, 2)}
    branch = Branch(shape=shape, tensors={name: np.ones(size, np.float16) for name, size in shapes.items()})
    update = {"encoder": model_encoder_name, "branch": shape, "feature_layers": ()}
    manifest = tiny_artefact.manifest.model_copy(update=update)
    write_artefact(
        tmp_path / "model", manifest=manifest, heads=tiny_artefact.heads, branch=branch, card="card"
    )
    done = run(environment, "serve", "--port", "0")
    assert done.returncode == 1
    assert "closeloop: cannot start: the branch needs" in done.stderr
    assert "the encoder has 12 of width 384" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_serves_holds_its_index_alone_and_ends_in_good_order(service, environment):
    process, url = service
    key = run(environment, "keys", "create", "--name", "t", "--scope", "read,write,score").stdout.strip()
    mine = {**environment, "CLOSELOOP_URL": url, "CLOSELOOP_KEY": key}
    assert "No heads for this encoder" in run(mine, "score", "hello").stderr

    second = run(environment, "serve", "--port", "0")
    assert second.returncode == 1
    assert "closeloop: cannot start: expected to be the only one to open the vector index" in second.stderr
    assert "Traceback" not in second.stderr

    taken = run(environment, "serve", "--port", url.rpartition(":")[2])
    assert taken.returncode == 1
    assert "Address already in use" in taken.stderr

    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    assert "Traceback" not in log
