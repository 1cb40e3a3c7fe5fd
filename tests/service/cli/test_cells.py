from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from service.cli.cells import label_cell, plain, reasons_cell, shorten, signals_cell, text_cell, urgency_cell
from service.cli.queue import show_queue
from service.cli.search import show_hits


def test_an_escape_sequence_in_a_text_cannot_act_on_the_terminal():
    assert plain("\x1b[2J\x1b]0;title\x07gone\u202e") == "[2J ]0;title gone"


@given(st.text())
def test_whatever_a_customer_writes_is_one_printable_line(text):
    shown = plain(text)
    assert all(character.isprintable() or character in "\u200c\u200d" for character in shown)
    assert len(shown.splitlines()) <= 1


@given(st.text(), st.integers(min_value=2, max_value=200))
def test_a_shortened_text_fits_its_columns_and_begins_like_the_text(text, cells):
    short = shorten(text, cells)
    assert cell_len(short) <= cells
    assert plain(text).startswith(short.removesuffix("…"))


def test_a_text_without_spaces_is_cut_between_characters():
    assert shorten("決済ができません", 9) == "決済がで…"


def test_a_doubtful_urgency_carries_a_question_mark():
    score = {"urgency": {"label": "high", "abstained": True}}
    assert urgency_cell({"urgency": "high", "score": score}).plain == "high?"
    assert urgency_cell({"urgency": "low", "score": score}).plain == "low"
    assert urgency_cell({"urgency": None, "score": None}).plain == "-"


@pytest.mark.parametrize(
    ("decision", "shown"),
    [("apply", "high 71%"), ("suggest", "high 71%~"), ("abstain", "high 71%?"), (None, "high 71%")],
)
def test_a_scored_label_shows_what_it_is_good_for(decision, shown):
    judged = {"label": "high", "confidence": 0.71, "decision": decision, "abstained": decision == "abstain"}
    assert label_cell(judged, {}).plain == shown


SILENT = {"probability": 0.2, "present": False}
FIRST_FORM = dict.fromkeys(("churn_risk", "declares", "non_feedback"))


@pytest.mark.parametrize(
    ("score", "shown"),
    [
        (None, "-"),
        (FIRST_FORM, "-"),
        ({"churn_risk": SILENT, "declares": [], "non_feedback": SILENT}, "-"),
        ({"churn_risk": {"probability": 0.92, "present": True}}, "announces leaving 92%"),
        (
            {
                "churn_risk": {"probability": 0.5, "present": True},
                "declares": [
                    {"label": "legal", "probability": 0.9},
                    {"label": "deadline", "probability": 0.6},
                ],
                "non_feedback": {"probability": 0.97, "present": True},
            },
            "perhaps no feedback 97% · announces leaving 50% · declares: legal 90%, deadline 60%",
        ),
    ],
)
def test_what_a_text_says_beside_its_labels_is_one_line(score, shown):
    assert signals_cell(score).plain == shown
    text = text_cell("a", score).plain
    assert text == ("a" if shown == "-" else f"a\n{shown}")


def test_an_urgency_of_what_is_perhaps_no_feedback_says_so_in_its_reason():
    told = "high 20%, medium 60%, low 20%; perhaps no feedback at all"
    term = {"name": "urgency", "value": 0.4, "contribution": 16.0, "reason": told}
    assert reasons_cell({"terms": [term]}).plain == "+16 urgency: medium 60%; perhaps no feedback at all"


def test_the_strongest_reasons_come_first_and_weak_ones_not_at_all():
    def term(name, contribution, value=0.5, reason="because"):
        return {"name": name, "value": value, "contribution": contribution, "reason": reason}

    terms = [
        term("sentiment", 0.4),
        term("waiting", 15.0, value=1.0),
        term("urgency", 30.2, reason="critical 10%, high 80%"),
        term("declared_urgency", 8.5, reason="the customer says high"),
        term("severity_floor", 0.0),
    ]
    expected = "+30 urgency: high 80%\n+15 first answer overdue\n+8 the customer says high"
    assert reasons_cell({"terms": terms}).plain == expected
    assert reasons_cell({"terms": []}).plain == "-"


@pytest.mark.parametrize("width", [60, 80, 99, 100, 120, 200])
def test_tables_fit_the_terminal_and_lose_nothing(width):
    terms = [{"name": "urgency", "value": 0.9, "contribution": 36.0, "reason": "critical 90%, high 10%"}]
    feedback = {
        "language": "ja",
        "urgency": "critical",
        "topic": "cancellation_return_refund",
        "account_external_id": "acme",
        "score": {
            "churn_risk": {"probability": 0.93, "present": True},
            "declares": [{"label": "deadline", "probability": 0.88}],
        },
        "text": "純正の充電台から焦げたような臭いがして、うっすら煙が出ております。 " * 9,
    }
    buffer = StringIO()
    console = Console(file=buffer, width=width)
    item = {"rank": 1, "priority": {"value": 83.3, "terms": terms}, "feedback": feedback}
    show_queue(console, "Queue", [item], names={"acme": "Acme Ltd"})
    show_hits(console, "Search", [{"score": 0.912, "feedback": feedback}], names={})
    shown = buffer.getvalue()
    assert all(cell_len(line) <= width for line in shown.splitlines())
    for told in (
        "83.3",
        "critical",
        "Acme Ltd",
        "純正の",
        "+36 urgency",
        "critical 90%",
        "0.912",
        "refund",
        "acme",
        "leaving 93%",
        "deadline 88%",
    ):
        assert told in shown


def test_an_unknown_term_is_shown_with_its_name():
    term = {"name": "weather_report", "value": 1.0, "contribution": 5.0, "reason": "rain"}
    assert reasons_cell({"terms": [term]}).plain == "+5 weather report: rain"
