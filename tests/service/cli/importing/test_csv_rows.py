import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cli.errors import CliError
from service.cli.importing.csv_rows import read_csv
from service.cli.importing.rows import Malformed, Row


def read(text, delimiter=None):
    header, rows = read_csv(iter(text.splitlines(keepends=True)), delimiter=delimiter)
    return header, list(rows)


@pytest.mark.parametrize("text", ["", "\n", "   \n1,2\n", '"text,channel\n'])
def test_a_file_without_a_readable_header_is_refused(text):
    with pytest.raises(CliError, match="header"):
        read(text)


def test_a_header_in_another_encoding_is_refused():
    with pytest.raises(CliError, match="the header cannot be read: byte 0xFC"):
        read("text,gr\udcfc\udcdfe\n")


def test_an_open_quote_costs_one_line():
    _, rows = read('text,channel\n"open,email\nfine,chat\n"also, fine",chat\n')
    assert isinstance(rows[0], Malformed)
    assert rows[0].line == 2
    assert rows[0].raw == '"open,email'
    assert [row.values["text"] for row in rows[1:]] == ["fine", "also, fine"]
    assert [row.line for row in rows] == [2, 3, 4]


def test_an_open_quote_at_the_end_costs_one_line():
    _, rows = read('text,channel\nfine,email\n"open,chat\nfine,chat')
    assert [type(row) for row in rows] == [Row, Malformed, Row]


def test_an_open_quote_before_a_long_file_costs_one_line():
    _, rows = read('text,channel\n"open,email\n' + "fine,chat\n" * 20_000)
    assert [type(row) for row in rows[:2]] == [Malformed, Row]
    assert len(rows) == 20_001


def test_lines_inside_a_broken_record_of_one_column_are_not_taken_for_records():
    _, rows = read('text\n"one\ntwo" three\nfine\n')
    assert [type(row) for row in rows] == [Malformed, Row]
    assert rows[0].raw == '"one\ntwo" three'


@pytest.mark.parametrize("cells", ["one", "one,two,three", ",,,"])
def test_a_record_with_another_number_of_cells_is_set_aside(cells):
    _, (wrong, right) = read(f"text,channel\n{cells}\nfine,email\n")
    assert wrong.reason.startswith("expected 2 cells, as the header has, got")
    assert isinstance(right, Row)


def test_a_record_with_a_byte_of_another_encoding_is_set_aside():
    _, (wrong,) = read("text,channel\nschlie\udcdfen,email\n")
    assert wrong.reason.startswith("byte 0xDF at character 7")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter):
    header, rows = read(f"text{delimiter}channel\nfine{delimiter}email\n")
    assert header == ["text", "channel"]
    assert rows[0].values == {"text": "fine", "channel": "email"}


def test_empty_lines_are_passed_over_and_empty_cells_left_out():
    _, rows = read("text,channel\n\nfine, \n\n")
    assert [(row.line, row.values) for row in rows] == [(3, {"text": "fine"})]


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
)


@given(st.lists(st.tuples(TEXTS.filter(str.strip), TEXTS.filter(str.strip))))
def test_what_the_standard_library_writes_is_read_again(records):
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("text", "channel"), *records])
    _, rows = read(buffer.getvalue(), ",")
    assert [(row.values["text"], row.values["channel"]) for row in rows] == records


@given(st.text(alphabet='a",\n\r\udcff'))
def test_no_content_makes_reading_fail_and_no_line_is_lost(content):
    _, rows = read("text,channel\n" + content, ",")
    assert all(row.line >= 2 for row in rows)
    assert "".join(row.raw for row in rows).count("a") == content.count("a")
