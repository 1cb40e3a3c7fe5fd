"""The application against its own contract: generated requests, good and bad, over HTTP."""

import socket
import threading
import time

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from service.app import create_app, openapi_of
from service.settings import Settings

REFUSALS = ["401", "403", "404", "405", "413", "415", "422", "429", "503"]
CHECKS = {"negative_data_rejection": {"expected-statuses": REFUSALS}}
SCHEMA = schemathesis.openapi.from_dict(
    openapi_of(create_app(Settings(_env_file=None))), config=schemathesis.Config.from_dict({"checks": CHECKS})
)
SCOPES = ("score", "read", "write", "train", "admin")


@pytest.fixture(scope="module")
def served(parts, make_key, tmp_path_factory):
    """A real server; its address and a key with all scopes."""
    folder = tmp_path_factory.mktemp("contract")
    app = create_app(Settings(_env_file=None, data_dir=folder), parts)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        client = type("Client", (), {"app": app})
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", make_key(client, "contract", *SCOPES)
        server.should_exit = True
        thread.join()


@schemathesis.check
def fails_only_for_a_while(_ctx, response, _case):
    """A 503 with a time to come back is an answer (a deadline of 1 ms passes); other failures are not."""
    assert response.status_code < 500 or (response.status_code == 503 and "retry-after" in response.headers)


@pytest.mark.slow
@SCHEMA.parametrize()
@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_what_the_contract_says_is_what_happens(case, served):
    url, key = served

    # What JSON Schema cannot say (one of two fields, a cursor that a page gave out) may be refused.
    excluded = [not_a_server_error, positive_data_acceptance]
    if case.method == "GET" or case.operation.definition.raw["operationId"] == "post_feedback":
        # In a query a wrong type is text as any other; and one bad item does not sink the rest.
        excluded.append(negative_data_rejection)
    case.call_and_validate(base_url=url, headers=key, excluded_checks=excluded)
