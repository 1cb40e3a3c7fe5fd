import json

import httpx
import pytest


@pytest.fixture
def cli_with(closeloop, running, tenant):
    """Commands with a key of the test's tenant that has these scopes."""

    def make(*scopes):
        closeloop.set(key=running.key(tenant, *scopes))
        return closeloop

    return make


@pytest.fixture
def corrected(running, tenant):
    """Two texts, both labelled by a person."""
    headers = {"Authorization": f"Bearer {running.key(tenant, 'write')}"}
    items = [{"text": "die Bahn kam zu spät\nüber zwei Zeilen"}, {"text": "please add a dark mode"}]
    answer = httpx.post(f"{running.url}/v1/feedback", json={"items": items}, headers=headers)
    for row in answer.json()["items"]:
        url = f"{running.url}/v1/feedback/{row['id']}/labels"
        assert httpx.patch(url, json={"urgency": "high"}, headers=headers).status_code == 200
    return [item["text"] for item in items]


def test_a_key_without_the_scope_is_told_and_no_file_is_made(cli_with, tmp_path):
    refused = cli_with("read", "write").refused("corrections", "export", "out.jsonl")

    assert "expected a key with scope train" in refused
    assert list(tmp_path.iterdir()) == []


def test_no_service_leaves_an_earlier_export_as_it_was(cli, free_port, tmp_path):
    (tmp_path / "out.jsonl").write_text("earlier")
    cli.set(url=f"http://127.0.0.1:{free_port}")

    assert "no service at" in cli.refused("corrections", "export", "out.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
    assert (tmp_path / "out.jsonl").read_text() == "earlier"


def test_a_time_that_is_none_is_told(cli_with):
    assert "expected an RFC 3339 time" in cli_with("train").refused(
        "corrections", "export", "out.jsonl", "--since", "yesterday"
    )


@pytest.mark.parametrize("file", ["nowhere/out.jsonl", "."])
def test_a_file_that_cannot_be_written_is_told(cli_with, corrected, file):
    assert f"cannot write {file}: " in cli_with("train").refused("corrections", "export", file)


def test_every_corrected_text_is_a_line_of_the_file_for_its_owner_alone(cli_with, corrected, tmp_path):
    result = cli_with("train")("corrections", "export", "out.jsonl")

    assert (result.exit_code, result.stdout) == (0, "")
    assert "2 corrected texts written to out.jsonl" in result.stderr
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert [(row["text"], row["urgency"]) for row in map(json.loads, lines)] == [
        (text, "high") for text in corrected
    ]
    assert (tmp_path / "out.jsonl").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_a_dash_is_standard_output(cli_with, corrected):
    result = cli_with("train")("corrections", "export", "-")

    assert [json.loads(line)["text"] for line in result.stdout.splitlines()] == corrected
    assert result.stderr == "2 corrected texts\n"


def test_nothing_corrected_since_is_an_empty_file(cli_with, corrected, tmp_path):
    result = cli_with("train")("corrections", "export", "out.jsonl", "--since", "2999-01-01T00:00:00Z")

    assert result.exit_code == 0
    assert (tmp_path / "out.jsonl").read_bytes() == b""
