import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_every_promised_command_is_there(cli):
    listed = cli("--help").stdout
    for name in (
        "serve",
        "prepare",
        "doctor",
        "keys",
        "score",
        "search",
        "queue",
        "import",
        "reindex",
        "demo",
        "corrections",
    ):
        assert f" {name} " in listed


def test_version_ends_well(cli):
    assert cli("--version").exit_code == 0


@pytest.mark.parametrize("arguments", [("nonsense",), ("queue", "--no-such-option"), ("import",)])
def test_a_usage_error_has_an_exit_code_of_its_own(cli, arguments):
    assert cli(*arguments).exit_code == 2


def test_a_pipe_of_another_encoding_gets_escapes_and_no_traceback(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "from service.cli import app; app()", "queue"],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "PYTHONIOENCODING": "ascii",
            "CLOSELOOP_URL": "http://127.0.0.1:1/ü",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert (
        done.stderr == "closeloop: no service at http://127.0.0.1:1/\\xfc; start it with `closeloop serve`\n"
    )
