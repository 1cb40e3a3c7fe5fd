"""Every error of this project leaves as a problem document."""

import inspect

import pytest

from models import errors as model_errors
from service import errors, problems
from service.store import errors as store_errors
from service.triage.triage import Triage

ABSTRACT = {errors.ServiceError, errors.RetryableError, store_errors.StoreError}


def classes_of(module):
    return {
        value
        for _, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, Exception) and value.__module__ == module.__name__
    }


CONCRETE = sorted((classes_of(errors) | classes_of(store_errors)) - ABSTRACT, key=lambda row: row.__name__)


def test_the_table_has_every_error_class_and_nothing_else():
    assert set(problems.TABLE) == set(CONCRETE)
    assert all(issubclass(row, Exception) for row in problems.TABLE)


def test_errors_of_models_never_reach_a_caller_as_themselves():
    assert not set(problems.TABLE) & classes_of(model_errors)


@pytest.mark.parametrize("error_class", CONCRETE, ids=lambda row: row.__name__)
def test_an_error_is_described_with_its_own_words_and_a_type_of_its_own(error_class):
    problem = problems.problem_of(error_class("expected one, got two"))

    assert problem.detail == "expected one, got two"
    assert 400 <= problem.status < 600
    assert problem.title
    assert problem.type.startswith("urn:closeloop:problem:")
    assert " " not in problem.type


def test_types_and_their_titles_are_each_used_once():
    described = [problems.problem_of(row("x")) for row in CONCRETE]

    assert len({row.type for row in described}) == len({row.title for row in described}) == len(described)


def test_a_problem_carries_what_the_error_adds():
    problem = problems.problem_of(errors.ConflictError("expected version 2", version=2, allowed=["open"]))

    assert problem.model_dump() | {"version": 2, "allowed": ["open"]} == problem.model_dump()


@pytest.mark.parametrize(("given", "told"), [(-5.0, 1), (0.0, 1), (0.4, 1), (1.5, 2), (61.2, 61)])
def test_the_time_to_come_back_is_a_whole_number_of_seconds_of_at_least_one(given, told):
    assert errors.OverloadedError("x", retry_after_seconds=given).retry_after_seconds == told


@pytest.mark.parametrize(
    ("loc", "skip", "pointer"),
    [
        (("body", "items", 0, "text"), 1, "/items/0/text"),
        (("body",), 1, ""),
        (("query", "limit"), 1, "limit"),
        (("query", "topic", 3), 1, "topic/3"),
        (("header", "x-deadline-ms"), 1, "x-deadline-ms"),
        (("body", "metadata", "my own words"), 1, "/metadata/…"),
        (("body", "metadata", "a/b"), 1, "/metadata/…"),
        (("body", "metadata", "x" * 65, "[key]"), 1, "/metadata/…"),
        (("metadata", "plan"), 0, "/metadata/plan"),
    ],
)
def test_a_finding_is_pointed_at_without_a_callers_words(loc, skip, pointer):
    found = problems.field_problems([{"loc": loc, "msg": "Value error, expected text"}], skip=skip)

    assert [(row.pointer, row.detail) for row in found] == [(pointer, "expected text")]


def test_many_findings_are_counted_and_the_first_are_named():
    found = [problems.FieldProblem(pointer=f"/items/{place:04}", detail="wrong") for place in range(1_000)]

    detail, rows = problems.summary_of(found)

    assert detail == "1000 field(s) do not fit: " + ", ".join(f"/items/{place:04}" for place in range(5))
    assert len(rows) == problems.ERRORS_MAX


def test_the_way_of_a_text_documents_only_errors_that_are_mapped():
    documented = inspect.getdoc(Triage.triage).split("Raises:")[1]

    names = {line.split(":")[0].strip() for line in documented.splitlines() if "Error:" in line}
    assert names <= {row.__name__ for row in problems.TABLE}
