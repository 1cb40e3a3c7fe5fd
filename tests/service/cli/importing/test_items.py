from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.v1.wire.feedback import FeedbackIn
from service.cli.importing.items import Item, Rejection, derived_id, item_of
from service.cli.importing.rows import Malformed, Row


def row(values, *, line=1, raw="raw"):
    return Row(line=line, raw=raw, values=values)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "/text: Field required"),
        ({"text": "  "}, "/text: "),
        ({"text": "\ud800"}, "/text: "),
        ({"text": "hi", "mood": "bad"}, "/mood: "),
        ({"text": "hi", "occurred_at": "2026-01-31T12:00:00"}, "/occurred_at: "),
        ({"text": "hi", "rating": {"kind": "stars", "value": "good"}}, "/rating/value: "),
        ({"text": "hi", "channel": "E Mail"}, "/channel: "),
    ],
)
def test_a_row_that_does_not_fit_is_rejected_with_the_field_and_kept_as_it_is(values, reason):
    rejection = item_of(row(values, line=7))
    assert isinstance(rejection, Rejection)
    assert rejection.reason.startswith(reason)
    assert rejection.line == 7
    assert {name: rejection.content[name] for name in values} == values


def test_a_row_that_could_not_be_read_is_rejected_with_its_raw_text():
    rejection = item_of(Malformed(line=3, raw="{", reason="not JSON"))
    assert rejection == Rejection(line=3, reason="not JSON", content="{")


def test_an_external_id_of_its_own_is_kept():
    item = item_of(row({"text": "hi", "external_id": "z-1"}))
    assert item.content == {"text": "hi", "external_id": "z-1"}


def test_a_derived_id_depends_on_line_and_content_and_on_nothing_else():
    first = derived_id(row({"text": "ok"}, line=2, raw="ok"))
    assert first == derived_id(row({"other": 1}, line=2, raw="ok"))
    assert first != derived_id(row({"text": "ok"}, line=3, raw="ok"))
    assert first != derived_id(row({"text": "ok"}, line=2, raw="ok "))
    assert first.startswith("import-")


def test_defaults_fill_what_a_row_lacks_and_never_make_a_rating():
    defaults = {"channel": "email", "rating.kind": "stars", "metadata.source": "export"}
    rated = item_of(row({"text": "a", "rating": {"value": 4.0}, "channel": "chat"}), defaults=defaults)
    assert rated.content["rating"] == {"kind": "stars", "value": 4.0}
    assert rated.content["channel"] == "chat"
    bare = item_of(row({"text": "b"}), defaults=defaults)
    assert "rating" not in bare.content
    assert bare.content["metadata"] == {"source": "export"}


def test_defaults_leave_the_row_itself_alone():
    given_row = row({"text": "a", "metadata": {}})
    item_of(given_row, defaults={"metadata.a": 1})
    assert given_row.values == {"text": "a", "metadata": {}}


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-01-31 12:00", "2026-01-31T10:00:00+00:00"),
        ("2026-07-31", "2026-07-30T21:00:00+00:00"),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00+00:00"),
    ],
)
def test_a_time_without_a_zone_gets_the_one_that_was_named(written, moment):
    item = item_of(row({"text": "hi", "occurred_at": written}), zone=ZoneInfo("Europe/Helsinki"))
    assert datetime.fromisoformat(item.content["occurred_at"]) == datetime.fromisoformat(moment)


def test_a_time_that_is_none_is_rejected_with_a_zone_too():
    rejection = item_of(row({"text": "hi", "occurred_at": "yesterday"}), zone=ZoneInfo("Europe/Helsinki"))
    assert "RFC 3339" in rejection.reason


@given(st.text(min_size=1, max_size=50), st.none() | st.booleans(), st.sampled_from(["high", "low", None]))
def test_whatever_is_accepted_is_accepted_again_as_it_is_sent(text, solicited, urgency):
    values = {"text": text, "solicited": solicited, "declared_urgency": urgency}
    item = item_of(row(values))
    if isinstance(item, Item):
        assert FeedbackIn.model_validate(item.content).text == text
        assert item.chars == len(text)
