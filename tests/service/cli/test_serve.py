import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from service.cli.errors import CliError
from service.cli.serve import bind, check_address, check_index, url_of
from service.settings import Settings

EVERYWHERE = "0.0.0.0"  # noqa: S104  what is refused


def test_auth_off_beyond_this_machine_is_refused_before_anything_starts(cli):
    cli.set(auth="off")
    said = cli.refused("serve", "--host", EVERYWHERE)
    assert f"refusing to listen on {EVERYWHERE} with CLOSELOOP_AUTH=off" in said


@pytest.mark.parametrize("host", ["", "::", "192.0.2.1", "closeloop.invalid"])
def test_auth_off_on_any_address_that_may_be_reached_is_refused(host):
    with pytest.raises(CliError, match="refusing to listen"):
        check_address(Settings(auth="off"), host)


@pytest.mark.parametrize(("auth", "host"), [("on", EVERYWHERE), ("off", "127.0.0.1"), ("off", "::1")])
def test_auth_on_anywhere_and_auth_off_at_home_are_fine(auth, host):
    check_address(Settings(auth=auth), host)


def test_several_workers_without_a_qdrant_server_are_refused_with_the_reason(cli):
    said = cli.refused("serve", "--workers", "2")
    assert "refusing 2 workers without CLOSELOOP_QDRANT_URL: the vector index in process locks" in said


def test_a_qdrant_url_that_is_none_is_refused(cli):
    cli.set(qdrant_url="localhost:6333")
    assert "expected CLOSELOOP_QDRANT_URL to be like http://127.0.0.1:6333" in cli.refused("serve")


def test_several_workers_with_a_qdrant_server_are_fine():
    postgres = SecretStr("postgresql://localhost/closeloop")
    check_index(Settings(qdrant_url="http://127.0.0.1:6333", database_url=postgres), 4)


def test_several_workers_on_sqlite_are_refused():
    with pytest.raises(CliError, match="refusing 2 workers on SQLite"):
        check_index(Settings(qdrant_url="http://127.0.0.1:6333"), 2)


def test_a_port_in_use_is_told_in_one_line(cli):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in cli.refused(
            "serve", "--port", port
        )


def test_a_host_that_is_not_of_this_machine_is_told_in_one_line():
    with pytest.raises(CliError, match=r"cannot listen on no\.such\.host\.invalid:0"):
        bind("no.such.host.invalid", 0)


def test_until_the_service_is_ready_callers_are_refused_and_not_kept_waiting():
    with bind("127.0.0.1", 0) as listener, pytest.raises(ConnectionRefusedError):
        socket.create_connection(listener.getsockname())


def test_any_free_port_is_named():
    with bind("127.0.0.1", 0) as listener:
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_an_address_of_version_6_is_written_as_a_url():
    try:
        listener = bind("::1", 0)
    except CliError:
        pytest.skip("no IPv6 here")
    with listener:
        assert url_of(listener).startswith("http://[::1]:")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"DATABASE_URL": "postgresql://a:geheim@127.0.0.1:1/b"}, "cannot start: expected a database at"),
        ({"DATA_DIR": "/dev/null/none"}, "cannot start: "),
        ({"ENCODER": "."}, "cannot start: Expected a sentence-transformers folder"),
    ],
)
def test_what_stops_the_start_is_one_line_without_a_traceback(tmp_path, setting, said):
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "CLOSELOOP_DATA_DIR": str(tmp_path),
        **{f"CLOSELOOP_{name}": value for name, value in setting.items()},
    }
    done = subprocess.run(
        [sys.executable, "-c", "from service.cli import app; app()", "serve", "--port", "0"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    log, last = done.stderr.rstrip("\n").rsplit("\n", 1)
    assert last.startswith("closeloop: ")
    assert said in last
    assert "Traceback" not in log
    assert "geheim" not in done.stderr
