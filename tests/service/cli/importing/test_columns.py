import pytest

from service.cli.errors import CliError
from service.cli.importing.columns import columns_of, put, value_of


@pytest.mark.parametrize(
    ("header", "mapped", "said"),
    [
        (["text", "Kommentar"], {}, "unknown column 'Kommentar': map each to a field"),
        (["text", "text"], {}, "expected each column once, got 'text'"),
        (["text"], {"Text2": "text"}, "--map names 'Text2', but the columns are 'text'"),
        (["a"], {"a": "txt"}, "unknown field 'txt'"),
        (["a"], {"a": "metadata."}, "unknown field 'metadata.'"),
        (["a", "text"], {"a": "text"}, "expected one column a field, got several for 'text'"),
        (["channel"], {}, "expected a column with the text"),
        (["text", ""], {}, "unknown column ''"),
    ],
)
def test_columns_that_do_not_fit_are_refused_before_anything_is_sent(header, mapped, said):
    with pytest.raises(CliError, match=said):
        columns_of(header, mapped, others="refuse")


def test_columns_are_found_by_name_by_map_and_the_rest_as_told():
    header = ["Text", "External ID", "author.email", "Stars", "metadata.plan", "Notes", "Internal"]
    mapped = {"Stars": "rating.value", "Internal": "-"}
    cells = dict(zip(header, ["hi", "7", "a@b.c", "4", "pro", "n", "secret"], strict=True))
    expected = {
        "text": "hi",
        "external_id": "7",
        "author": {"email": "a@b.c"},
        "rating": {"value": 4.0},
        "metadata": {"plan": "pro"},
    }
    kept = columns_of(header, mapped, others="metadata").values_of(cells)
    assert kept == {**expected, "metadata": {"plan": "pro", "Notes": "n"}}
    assert columns_of(header, mapped, others="skip").values_of(cells) == expected


@pytest.mark.parametrize(
    ("field", "cell", "value"),
    [
        ("solicited", "No", False),
        ("solicited", "perhaps", "perhaps"),
        ("rating.value", " 4.5 ", 4.5),
        ("rating.value", "good", "good"),
        ("channel", " email ", "email"),
        ("text", " two  words ", " two  words "),
        ("metadata.dotted.name", " 1 ", " 1 "),
    ],
)
def test_cells_are_read_as_their_field_wants_them(field, cell, value):
    assert value_of(field, cell) == value


def test_a_default_does_not_replace_what_is_there_nor_break_what_is_wrong():
    values = {"channel": "email", "author": "somebody", "metadata": {"a.b": 1}}
    for field in ("channel", "author.name", "metadata.a.b", "metadata.c.d"):
        put(values, field, "default", replace=False)
    assert values == {"channel": "email", "author": "somebody", "metadata": {"a.b": 1, "c.d": "default"}}
