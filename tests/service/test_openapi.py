"""The contract is a file, and says of every route and field what a caller must know."""

import json
from pathlib import Path
from typing import get_args

import pytest

from models.labels import KINDS
from service.api.v1.corrections import JSON_LINES
from service.api.v1.wire.base import CLOSED_SETS, CaseState
from service.app import create_app, openapi_of
from service.loop.cases import MOVES
from service.problems import MEDIA_TYPE
from service.settings import Settings

ROOT = Path(__file__).parents[2]
PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}
DOCUMENT = openapi_of(create_app(Settings(_env_file=None)))
OPERATIONS = [
    pytest.param(path, method, operation, id=f"{method.upper()} {path}")
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
V1 = [row for row in OPERATIONS if row.values[0].startswith("/v1/")]
SCHEMAS = DOCUMENT["components"]["schemas"]
FIELDS = [
    pytest.param(name, field, schema, id=f"{name}.{field}")
    for name, model in SCHEMAS.items()
    for field, schema in model.get("properties", {}).items()
]


WITHOUT_WHAT_NOBODY_SAID = ("CorrectionOut", "PreviousOut")
"""Lines of the export have only the labels that hold by a person's word."""


def kinds(schema):
    """Return every schema inside a field's schema."""
    yield schema
    for inner in [*schema.get("anyOf", []), schema.get("items"), schema.get("additionalProperties")]:
        if isinstance(inner, dict):
            yield from kinds(inner)


def test_the_committed_file_is_the_applications_document():
    committed = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))

    assert committed == DOCUMENT, "the contract changed: run `make openapi` and look at the difference"


def test_the_running_application_serves_it(client):
    assert client.get("/openapi.json").json() == json.loads(json.dumps(DOCUMENT))
    assert client.get("/docs").status_code == 200


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_an_operation_is_named_and_described(path, method, operation):
    assert operation["operationId"]
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]


def test_operations_have_names_of_their_own():
    names = [row.values[2]["operationId"] for row in OPERATIONS]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("path", "method", "operation"), V1)
def test_an_operation_documents_its_problems_as_problem_documents(path, method, operation):
    responses = operation["responses"]
    expected = {"401", "403", "422", "503"}
    expected |= {"404"} if "{" in path and method != "put" else set()
    expected |= {"413", "415"} if "requestBody" in operation else set()

    assert expected <= set(responses)
    assert operation["security"] == [{"HTTPBearer": []}]
    for status, answer in responses.items():
        assert answer["description"]
        assert "X-Request-Id" in answer["headers"]
        if status >= "400":
            assert answer["content"][MEDIA_TYPE] == PROBLEM
            assert ("Retry-After" in answer["headers"]) == (status in {"429", "503"})
            alone = (operation["operationId"], status) != ("post_feedback", "422")
            assert set(answer["content"]) == ({MEDIA_TYPE} if alone else {MEDIA_TYPE, "application/json"})
        elif operation["operationId"] == "export_corrections":
            item = {"itemSchema": {"$ref": "#/components/schemas/CorrectionOut"}}
            assert answer["content"] == {JSON_LINES: item}
        elif status != "204":
            assert set(answer["content"]) == {"application/json"}


@pytest.mark.parametrize(("path", "method", "operation"), V1)
def test_a_parameter_has_a_type(path, method, operation):
    for parameter in operation.get("parameters", []):
        assert all({"type", "anyOf"} & set(schema) for schema in kinds(parameter["schema"]))


@pytest.mark.parametrize(("name", "field", "schema"), FIELDS)
def test_a_field_has_a_type(name, field, schema):
    for inner in kinds(schema):
        assert {"type", "$ref", "anyOf"} & set(inner), f"{name}.{field}: {inner}"


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name != "Problem"])
def test_a_model_is_described_knows_all_its_fields_and_leaves_none_out(name):
    schema = SCHEMAS[name]

    assert schema["description"]
    assert schema["additionalProperties"] is False
    if name in WITHOUT_WHAT_NOBODY_SAID:
        assert set(schema["properties"]) - set(schema.get("required", [])) == {
            "sentiment",
            "urgency",
            "topics",
        }
    elif name.endswith("Out"):
        assert set(schema.get("required", [])) == set(schema["properties"])


def test_no_model_of_the_framework_is_left():
    assert not {"HTTPValidationError", "ValidationError"} & set(SCHEMAS)
    assert all(name.endswith(("In", "Out")) or name == "Problem" for name in SCHEMAS)


@pytest.mark.parametrize(("literal", "labels"), CLOSED_SETS)
def test_closed_sets_are_those_of_the_models(literal, labels):
    assert get_args(literal) == labels
    assert KINDS
    assert set(get_args(CaseState)) == set(MOVES)
