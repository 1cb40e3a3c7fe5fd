import re

import httpx
import pytest


@pytest.fixture
def queue_status(running):
    def ask(key):
        return httpx.get(f"{running.url}/v1/queue", headers={"Authorization": f"Bearer {key}"}).status_code

    return ask


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "--name", "x", "--scope", "root"), "expected scopes out of score, read, write"),
        (("create", "--name", "x", "--scope", ","), "expected scopes out of .*, got none"),
        (("create", "--name", " ", "--scope", "read"), "expected a name of 1 to 128 characters"),
        (("create", "--name", "x", "--tenant", "t" * 65, "--scope", "read"), "expected a tenant of 1 to 64"),
        (("revoke", "none"), "no key none"),
        (("revoke", "cl_ab_secret"), "expected the id of a key"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(closeloop, arguments, said):
    assert re.search(said, closeloop.refused("keys", *arguments))


def test_an_unreachable_database_is_told_without_its_password(cli):
    cli.set(database_url="postgresql://somebody:geheim@127.0.0.1:1/none")
    said = cli.refused("keys", "list")
    assert "expected a database at postgresql+psycopg://somebody:***@127.0.0.1:1/none" in said
    assert "geheim" not in said


def test_a_database_url_of_another_kind_is_refused(cli):
    cli.set(database_url="no url at all")
    assert "the database refused" in cli.refused("keys", "list")


def test_a_new_key_is_alone_on_standard_output_and_works_on_the_running_service(
    closeloop, tenant, queue_status
):
    made = closeloop("keys", "create", "--tenant", tenant, "--name", "anna", "--scope", "read,write")
    assert made.exit_code == 0
    key = made.stdout.strip()
    assert made.stdout == f"{key}\n"
    assert key.startswith("cl_")
    assert key not in made.stderr
    assert queue_status(key) == 200


def test_a_revoked_key_stops_at_once_and_cannot_be_revoked_again(closeloop, running, tenant, queue_status):
    key = running.key(tenant, "read")
    key_id = key.split("_")[1]
    assert queue_status(key) == 200
    assert closeloop("keys", "revoke", key_id).exit_code == 0
    assert queue_status(key) == 401
    assert f"key {key_id} was revoked at" in closeloop.refused("keys", "revoke", key_id)


def test_the_list_shows_who_and_when_but_never_a_secret(closeloop, running, tenant):
    key = running.key(tenant, "read", "admin")
    listed = closeloop("keys", "list", "--tenant", tenant)
    assert key.split("_")[1] in listed.stdout
    assert "admin read" in listed.stdout
    assert key.split("_", 2)[2] not in listed.output
    assert "no keys yet" in closeloop("keys", "list", "--tenant", "nobody").stdout
