import json

import pytest

from service.cli.errors import CliError
from service.cli.importing.items import Rejection
from service.cli.importing.rejections import RejectionsFile


def rows_of(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    with (
        RejectionsFile(tmp_path / "none" / "x.jsonl") as file,
        pytest.raises(CliError, match="cannot write"),
    ):
        file.add(Rejection(line=1, reason="r", content="c"))
    with pytest.raises(CliError, match="cannot replace"), RejectionsFile(tmp_path):
        pass


def test_the_file_of_an_earlier_run_goes_when_nothing_is_rejected(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text("old")
    with RejectionsFile(path):
        pass
    assert not path.exists()


def test_rows_are_there_as_soon_as_they_are_rejected(tmp_path):
    path = tmp_path / "x.jsonl"
    with RejectionsFile(path) as file:
        file.add(Rejection(line=1, reason="r", content={"text": "ü"}))
        assert rows_of(path) == [{"line": 1, "reason": "r", "item": {"text": "ü"}}]
        file.add(Rejection(line=2, reason="s", content="raw"))
    assert rows_of(path)[1] == {"line": 2, "reason": "s", "raw": "raw"}


@pytest.mark.parametrize("content", ["schlie\udcdfen", {"text": "\ud800"}, {"a": {"\udcff": 2**99}}])
def test_what_json_cannot_hold_is_kept_as_escapes(tmp_path, content):
    path = tmp_path / "x.jsonl"
    with RejectionsFile(path) as file:
        file.add(Rejection(line=1, reason="r", content=content))
    assert "\\" in rows_of(path)[0]["raw"]
