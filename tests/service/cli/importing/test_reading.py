import pytest

from service.cli.errors import CliError
from service.cli.importing.reading import check_encoding, defaults_of, form_of, mapping_of, zone_of


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: form_of("x.xlsx", None), r"ends in .jsonl, .ndjson, .csv, .tsv, or --format"),
        (lambda: form_of("-", None), "--format jsonl or csv"),
        (lambda: mapping_of(["text"]), "expected --map COLUMN=FIELD, got 'text'"),
        (lambda: mapping_of(["a="]), "expected --map COLUMN=FIELD"),
        (lambda: mapping_of(["a=b"]), "unknown field 'b'"),
        (lambda: defaults_of(["channel"]), "expected --set FIELD=VALUE"),
        (lambda: defaults_of(["mood=bad"]), "unknown field 'mood'"),
        (lambda: zone_of("Middle/Earth"), "expected a time zone such as"),
        (lambda: zone_of("../etc/passwd"), "expected a time zone such as"),
        (lambda: check_encoding("klingon"), "expected an encoding"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(ask, said):
    with pytest.raises(CliError, match=said):
        ask()


@pytest.mark.parametrize(
    ("name", "form"), [("a.csv", "csv"), ("A.CSV", "csv"), ("b.tsv", "csv"), ("c.ndjson", "jsonl")]
)
def test_the_ending_tells_the_form(name, form):
    assert form_of(name, None) == form


def test_the_option_wins_over_the_ending():
    assert form_of("a.csv", "jsonl") == "jsonl"


def test_a_column_may_hold_an_equals_sign_and_can_be_left_out():
    assert mapping_of(["a=b=text", "c=-"]) == {"a=b": "text", "c": "-"}
