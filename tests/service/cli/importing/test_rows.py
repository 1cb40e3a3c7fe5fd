from io import BufferedReader, BytesIO

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cli.errors import CliError
from service.cli.importing.rows import Malformed, Row, decoded, read_json_lines


def read(content, encoding=None):
    with decoded(BufferedReader(BytesIO(content)), encoding) as text:
        return list(read_json_lines(text))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b"[1]", "expected a JSON object, got list"),
        (b"null", "expected a JSON object, got NoneType"),
        (b'{"text": NaN}', "not JSON"),
        (b'{"text": "\\ud800"}', "not JSON"),
        (b'{"text": "\xff"}', "byte 0xFF at character 11"),
        (b"[" * 5_000, "not JSON"),
        (b'{"line": 1, "reason": "r", "item": "no object"}', "expected a JSON object, got str"),
    ],
)
def test_a_line_that_cannot_be_used_is_set_aside_and_the_next_one_read(line, reason):
    wrong, right = read(line + b'\n{"text": "fine"}\n')
    assert isinstance(wrong, Malformed)
    assert wrong.reason.startswith(reason)
    assert wrong.line == 1
    assert right == Row(line=2, raw='{"text": "fine"}', values={"text": "fine"})


def test_an_unknown_encoding_is_told():
    with pytest.raises(CliError, match="expected an encoding such as"):
        read(b"{}", "klingon")


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ('{"text": "Grüße"}\n'.encode(), None),
        ('{"text": "Grüße"}\r\n\r\n'.encode("utf-8-sig"), None),
        ('{"text": "Grüße"}'.encode("utf-16"), None),
        ('{"text": "Grüße"}'.encode("cp1252"), "cp1252"),
    ],
)
def test_marks_line_ends_and_encodings_are_understood(content, encoding):
    assert [row.values for row in read(content, encoding)] == [{"text": "Grüße"}]


def test_a_row_of_a_file_of_rejected_rows_stands_for_its_item():
    assert read(b'{"line": 3, "reason": "r", "item": {"text": "mended"}}')[0].values == {"text": "mended"}


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_what_was_written_is_read_again(texts):
    content = b"".join(orjson.dumps({"text": text}) + b"\n" for text in texts)
    assert [row.values["text"] for row in read(content)] == texts


@given(st.binary())
def test_no_bytes_make_reading_fail(content):
    for row in read(content, "utf-8"):
        assert row.line >= 1
