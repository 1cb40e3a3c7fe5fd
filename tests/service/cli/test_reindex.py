import json

import httpx


def store(running, tenant, count):
    headers = {"Authorization": f"Bearer {running.key(tenant, 'write')}"}
    items = [{"text": f"the app crashes number {number}"} for number in range(count)]
    assert httpx.post(f"{running.url}/v1/feedback", json={"items": items}, headers=headers).status_code == 201


def test_a_key_without_admin_is_told(closeloop, running, tenant):
    closeloop.set(key=running.key(tenant, "read"))
    assert "expected a key with scope admin" in closeloop.refused("reindex")


def test_without_waiting_it_says_how_many_are_queued(closeloop, running, tenant):
    store(running, tenant, 3)
    assert closeloop("reindex").stdout.startswith("3 texts queued")


def test_waiting_returns_when_nothing_is_behind(closeloop, running, tenant):
    store(running, tenant, 5)
    result = closeloop("reindex", "--re-embed", "--wait", "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document == {"queued": 5, "pending": 0, "indexed": 5}


def test_the_end_of_the_wait_is_told(closeloop, running, tenant):
    store(running, tenant, 2)
    assert closeloop("reindex", "--wait").stdout == "2 texts reindexed, 2 of 2 up to date\n"
