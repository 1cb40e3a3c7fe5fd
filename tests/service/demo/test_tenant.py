import pytest
from sqlalchemy import func, select

from service.auth import authenticate
from service.demo import demo_key, remove_demo
from service.errors import UnauthenticatedError
from service.store.records import Account, ApiKey, Case, Feedback, Tenant


def store(client, key=None):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    items = [{"text": "the app crashes at checkout", "account_external_id": "acme"}, {"text": "late again"}]
    answer = client.post("/v1/feedback?wait=indexed", json={"items": items}, headers=headers)
    assert answer.status_code == 201, answer.text


def test_the_key_is_revoked_even_when_the_demo_fails(client):
    database = client.app.state.closeloop.database
    with pytest.raises(ZeroDivisionError), demo_key(database) as key:
        1 / 0  # noqa: B018
    with database.read() as session, pytest.raises(UnauthenticatedError):
        authenticate(session, key)


def test_there_is_nothing_to_remove_at_first(client):
    assert remove_demo(client.app.state.closeloop.database) is None


def test_removing_takes_everything_of_the_demo_and_nothing_of_anybody_else(client):
    database = client.app.state.closeloop.database
    store(client)
    with demo_key(database) as key:
        store(client, key)
    assert remove_demo(database) == 2
    with database.read() as session:
        assert session.scalars(select(Tenant.name)).all() == ["default"]
        left = {
            record: session.scalar(select(func.count()).select_from(record))
            for record in (Feedback, Case, Account, ApiKey)
        }
    assert left == {Feedback: 2, Case: 2, Account: 1, ApiKey: 0}
