import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest


@pytest.fixture
def stored(running, tenant):
    """Ask for the texts that the tenant has."""

    headers = {"Authorization": f"Bearer {running.key(tenant, 'read')}"}

    def read():
        found = []
        query = {"limit": 200}
        while True:
            page = httpx.get(f"{running.url}/v1/feedback", params=query, headers=headers).json()
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            query["cursor"] = page["next_cursor"]

    return read


def rejected(path):
    return [json.loads(line) for line in Path(f"{path}.rejected.jsonl").read_text("utf-8").splitlines()]


def lines(count):
    return "".join(json.dumps({"text": f"the app crashes, number {i}"}) + "\n" for i in range(count))


def test_no_service_is_told_in_one_line(cli, free_port, tmp_path):
    cli.set(url=f"http://127.0.0.1:{free_port}")
    file = tmp_path / "a.jsonl"
    file.write_text(lines(1))
    assert "no service at" in cli.refused("import", str(file))


def test_a_bad_key_is_told_in_one_line(closeloop, tmp_path):
    closeloop.set(key="cl_bad_key")
    file = tmp_path / "a.jsonl"
    file.write_text(lines(1))
    assert "No valid key" in closeloop.refused("import", str(file))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.csv",), "cannot read none.csv: No such file"),
        ((".", "--format", "csv"), "cannot read .: Is a directory"),
        (("a.xlsx",), "--format"),
        (("a.jsonl", "--map", "a=text"), "--map is for the columns of CSV files"),
        (("a.csv", "--delimiter", ";;"), "expected one character as --delimiter"),
    ],
)
def test_a_file_or_option_that_does_not_fit_is_told(closeloop, arguments, said):
    assert said in closeloop.refused("import", *arguments)


def test_an_unknown_column_stores_nothing(closeloop, stored, tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("text,mood\nhello,bad\n")
    assert "unknown column 'mood'" in closeloop.refused("import", str(file))
    assert stored() == []


def test_a_file_in_utf_16_that_breaks_off_is_told_after_what_was_stored(closeloop, stored, tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_bytes(lines(1).encode("utf-16") + b"\x00")
    result = closeloop("import", str(file))
    assert result.exit_code == 1
    assert "the file is not in the encoding utf-16" in result.stderr


def test_malformed_rows_are_kept_with_their_reasons_and_the_others_stored(closeloop, stored, tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes(
        b"Comment;Stars;When\r\n"
        + "Die App stürzt ab;1;2026-01-31 12:00\r\n".encode()
        + b'kaputt \xfc;1;\r\n"open;2;\r\nthe app crashes;3;\r\ntwo;cells\r\ngood;many;\r\n;5;\r\n'
    )
    options = ("--map", "Comment=text", "--map", "Stars=rating.value", "--map", "When=occurred_at")
    result = closeloop(
        "import", str(file), *options, "--set", "rating.kind=stars", "--timezone", "Europe/Helsinki"
    )
    assert result.exit_code == 1
    assert "7 rows: 2 stored, 0 there already, 5 rejected" in result.stdout
    assert [row["line"] for row in rejected(file)] == [3, 4, 6, 7, 8]
    assert rejected(file)[0]["reason"].startswith("byte 0xFC")
    assert rejected(file)[0]["raw"] == "kaputt \\xfc;1;"
    assert rejected(file)[3]["reason"].startswith("/rating/value")
    found = {row["text"]: row for row in stored()}
    assert set(found) == {"Die App stürzt ab", "the app crashes"}
    assert found["Die App stürzt ab"]["occurred_at"] == "2026-01-31T10:00:00Z"
    assert found["Die App stürzt ab"]["rating"] == {"kind": "stars", "value": 1.0}


def test_rejected_rows_can_be_corrected_and_imported(closeloop, stored, tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "first", "channel": "E-Mail"}\n{"text": "second"}\n')
    assert closeloop("import", str(file)).exit_code == 1
    mended = Path(f"{file}.rejected.jsonl")
    mended.write_text(mended.read_text().replace("E-Mail", "email"))
    assert closeloop("import", str(mended)).exit_code == 0
    assert {row["text"] for row in stored()} == {"first", "second"}


def test_another_text_under_a_known_id_is_rejected_unless_told_to_update(closeloop, stored, tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "before", "external_id": "1"}\n')
    assert closeloop("import", str(file)).exit_code == 0
    file.write_text('{"text": "after", "external_id": "1"}\n')
    assert closeloop("import", str(file)).exit_code == 1
    assert "HTTP 409" in rejected(file)[0]["reason"]
    assert closeloop("import", str(file), "--set", "update=true").exit_code == 0
    assert [row["text"] for row in stored()] == ["after"]


def test_importing_twice_stores_nothing_twice(closeloop, stored, tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text(lines(150) + '{"text": "ok"}\n{"text": "ok"}\n')
    first = closeloop("import", str(file), "--json")
    assert first.exit_code == 0
    counts = json.loads(first.stdout)
    assert (counts["rows"], counts["created"], counts["known"]) == (152, 152, 0)
    file.write_text(file.read_text() + '{"text": "one more"}\n')
    again = json.loads(closeloop("import", str(file), "--json").stdout)
    assert (again["rows"], again["created"], again["known"], again["rejected"]) == (153, 1, 152, 0)
    assert len(stored()) == 153


def test_standard_input_is_a_file_too(closeloop, stored):
    result = closeloop("import", "-", "--format", "csv", stdin="text,metadata.plan\nhello,pro\n")
    assert result.exit_code == 0
    assert [(row["text"], row["metadata"]) for row in stored()] == [("hello", {"plan": "pro"})]


def test_a_dry_run_checks_every_row_and_stores_none(cli, free_port, tmp_path):
    cli.set(url=f"http://127.0.0.1:{free_port}")
    file = tmp_path / "a.jsonl"
    file.write_text(lines(3) + "{\n")
    result = cli("import", str(file), "--dry-run")
    assert result.exit_code == 1
    assert "4 rows checked, 1 would be rejected; nothing was stored" in result.stdout
    assert len(rejected(file)) == 1


@pytest.mark.slow
def test_an_import_that_was_killed_goes_on_without_duplicates(running, tenant, stored, tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text(lines(600))
    command = [sys.executable, "-c", "from service.cli import app; app()", "import", str(file), "--json"]
    environment = {
        **os.environ,
        "CLOSELOOP_URL": running.url,
        "CLOSELOOP_KEY": running.key(tenant, "write"),
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    killed = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)  # noqa: S603  our own
    while not stored() and killed.poll() is None:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    before = len(stored())
    assert 0 < before < 600
    again = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)  # noqa: S603
    counts = json.loads(again.stdout)
    # The request that was on its way when its sender was killed may have been carried out since.
    assert counts["known"] >= before
    assert (counts["created"] + counts["known"], counts["rejected"]) == (600, 0)
    texts = [row["text"] for row in stored()]
    assert len(texts) == len(set(texts)) == 600


def test_a_service_that_restarts_meanwhile_gets_every_row_once(cli, serve, tmp_path, free_port):
    file = tmp_path / "a.jsonl"
    file.write_text(lines(130))
    with serve(tmp_path / "var", port=free_port) as service:
        cli.set(url=service.url, key=service.key("t", "write", "read"))
        assert cli("import", str(file)).exit_code == 0
    assert "no service at" in cli.refused("import", str(file))
    with serve(tmp_path / "var", port=free_port):
        assert json.loads(cli("import", str(file), "--json").stdout)["known"] == 130
