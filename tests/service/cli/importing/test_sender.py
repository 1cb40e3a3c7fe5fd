import json

import httpx
import pytest

from service.cli.errors import CliError, NoServiceError, ProblemError
from service.cli.importing.items import Item, Rejection
from service.cli.importing.sender import Sender, Stored


def item(number, text="hi"):
    return Item.of({"text": text, "external_id": str(number)}, line=number)


def problem(status, **headers):
    body = {"type": "about:blank", "title": "Refused", "status": status, "detail": "why"}
    return httpx.Response(status, json=body, headers=headers)


def accepted(request, created=True):
    items = json.loads(request.content)["items"]
    rows = [{"id": row["external_id"], "created": created} for row in items]
    return httpx.Response(201, json={"items": rows})


class Service:
    """Answers with what it was told, then accepts; remembers the batches and the pauses."""

    def __init__(self, talk, *answers, patience_seconds=600.0, refuses=None):
        self.answers = list(answers)
        self.batches, self.pauses, self.said = [], [], []
        self.refuses = refuses
        self.sender = Sender(
            talk(self.answer),
            patience_seconds=patience_seconds,
            sleep=self.pauses.append,
            tell=self.said.append,
        )

    def answer(self, request):
        ids = [int(row["external_id"]) for row in json.loads(request.content)["items"]]
        self.batches.append(ids)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, type):
                raise answer("gone", request=request)
            return answer
        if self.refuses and (refused := self.refuses(ids)):
            return refused
        return accepted(request)


def test_a_bad_key_ends_the_import_at_once(talk):
    service = Service(talk, problem(401))
    with pytest.raises(ProblemError, match="CLOSELOOP_KEY"):
        service.sender.send([item(1), item(2)])
    assert service.pauses == []


def test_a_service_that_is_not_there_at_the_beginning_is_not_waited_for(talk):
    service = Service(talk, httpx.ConnectError)
    with pytest.raises(NoServiceError):
        service.sender.send([item(1)])


def test_a_service_that_goes_away_in_between_is_waited_for(talk):
    service = Service(talk)
    service.sender.send([item(1)])
    service.answers = [httpx.ConnectError, httpx.ReadTimeout, httpx.ConnectError]
    assert isinstance(service.sender.send([item(2)])[0], Stored)
    assert service.pauses == [1.0, 1.0, 2.0]
    assert "waiting 1 s: no service at" in service.said[0]


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(talk, status):
    service = Service(talk, problem(status, **{"retry-after": "7"}))
    assert len(service.sender.send([item(1), item(2)])) == 2
    assert service.pauses == [7.0]
    assert service.batches == [[1, 2], [1, 2]]


def test_patience_has_an_end_and_the_reason_is_told(talk):
    service = Service(talk, *[problem(503, **{"retry-after": "4"})] * 9, patience_seconds=10)
    with pytest.raises(CliError, match=r"Refused: why \(HTTP 503\); gave up after waiting 8 s"):
        service.sender.send([item(1)])
    assert service.pauses == [4.0, 4.0]


def test_patience_begins_anew_after_each_batch_that_got_through(talk):
    service = Service(talk, patience_seconds=5)
    for number in range(4):
        service.answers = [problem(503, **{"retry-after": "4"})]
        service.sender.send([item(number)])
    assert service.pauses == [4.0] * 4


def test_a_batch_larger_than_the_tenants_rate_is_halved_until_it_fits(talk):
    service = Service(talk, refuses=lambda ids: problem(429) if len(ids) > 2 else None)
    outcomes = service.sender.send([item(number) for number in range(8)])
    assert [outcome.item.line for outcome in outcomes] == list(range(8))
    assert all(isinstance(outcome, Stored) for outcome in outcomes)


@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_one_item_that_spoils_a_request_is_found_and_the_others_stored(talk, status):
    service = Service(talk, refuses=lambda ids: problem(status) if 5 in ids else None)
    outcomes = service.sender.send([item(number) for number in range(8)])
    rejected = [outcome for outcome in outcomes if isinstance(outcome, Rejection)]
    assert [(row.line, row.reason) for row in rejected] == [(5, f"Refused: why (HTTP {status})")]
    assert [row.item.line for row in outcomes if isinstance(row, Stored)] == [0, 1, 2, 3, 4, 6, 7]


def test_items_that_the_service_refuses_one_by_one_are_rejected_with_its_reason(talk):
    error = {"type": "x", "title": "Contradicts", "status": 409, "detail": "another text"}
    rows = [{"id": "1", "created": False}, {"error": error}]
    service = Service(talk, httpx.Response(200, json={"items": rows}))
    known, rejected = service.sender.send([item(1), item(2)])
    assert not known.created
    assert rejected == Rejection(
        line=2, reason="Contradicts: another text (HTTP 409)", content=item(2).content
    )


def test_a_request_of_which_nothing_was_accepted_is_an_answer_too(talk):
    error = {"type": "x", "title": "No", "status": 422, "detail": "text"}
    service = Service(talk, httpx.Response(422, json={"items": [{"error": error}] * 2}))
    assert len(service.sender.send([item(1), item(2)])) == 2
    assert len(service.batches) == 1


def test_an_answer_of_another_length_is_not_trusted(talk):
    service = Service(talk, httpx.Response(201, json={"items": []}))
    with pytest.raises(CliError, match="expected 1 answers"):
        service.sender.send([item(1)])
