"""Keys: made, shown once, revoked; and what happens without."""

import pytest
from sqlalchemy import select

from service.auth import KEY, SCOPES, authenticate, create_key, ensure_tenant, revoke_key
from service.errors import ConflictError, NotFoundError, UnauthenticatedError, UnprocessableError
from service.store.database import Database
from service.store.records import ApiKey, Tenant


@pytest.fixture(scope="module")
def database(shared_database_url):
    opened = Database(shared_database_url)
    opened.migrate()
    yield opened
    opened.close()


def made(database, tenant="acme", name="support tool", scopes=("read",)):
    with database.write() as session:
        return create_key(session, tenant_name=tenant, name=name, scopes=scopes)


@pytest.mark.parametrize("scopes", [(), ("read", "fly"), ("READ",), ("",)])
def test_a_key_with_an_unknown_scope_or_none_is_not_made(database, scopes):
    with pytest.raises(UnprocessableError, match="expected scopes out of score, read, write, train, admin"):
        made(database, scopes=scopes)


def test_a_key_acts_for_its_tenant_with_its_scopes(database):
    key = made(database, "a tenant", "a name", SCOPES)

    with database.read() as session:
        principal = authenticate(session, key)
        tenant = session.get_one(Tenant, principal.tenant)
    assert (tenant.name, principal.name, principal.scopes) == ("a tenant", "a name", frozenset(SCOPES))


def test_only_a_hash_of_the_secret_is_kept(database):
    key = made(database)

    with database.read() as session:
        row = session.get_one(ApiKey, key.split("_")[1])
    assert key.split("_", 2)[2] not in str(vars(row))
    assert len(row.secret_sha256) == 64


def test_two_keys_of_one_tenant_differ_and_fit_their_form(database):
    one, two = made(database), made(database)

    assert one != two
    assert KEY.fullmatch(one)
    with database.read() as session:
        assert authenticate(session, one).tenant == authenticate(session, two).tenant


@pytest.mark.parametrize(
    "bearer", ["", "_", "__", "cl__", "cl_a_", "cl_a_b", "xx_a_b", "cl_a\x00_b", "ä", "cl_" * 99]
)
def test_what_is_no_key_is_refused(database, bearer):
    with database.read() as session, pytest.raises(UnauthenticatedError):
        authenticate(session, bearer)


def test_a_revoked_key_is_refused_at_once_and_its_neighbours_are_not(database):
    revoked, stays = made(database), made(database)
    with database.write() as session:
        revoke_key(session, revoked.split("_")[1])

    with database.read() as session:
        assert authenticate(session, stays)
        with pytest.raises(UnauthenticatedError):
            authenticate(session, revoked)


def test_a_key_cannot_be_revoked_twice_nor_one_that_does_not_exist(database):
    key_id = made(database).split("_")[1]
    with database.write() as session:
        revoke_key(session, key_id)

    with database.write() as session, pytest.raises(ConflictError, match="was revoked at"):
        revoke_key(session, key_id)
    with database.write() as session, pytest.raises(NotFoundError):
        revoke_key(session, "0" * 12)


def test_a_tenant_is_made_once(database):
    with database.write() as session:
        assert ensure_tenant(session, "once").id == ensure_tenant(session, "once").id
    with database.write() as session:
        ensure_tenant(session, "once")
        assert len(session.scalars(select(Tenant).where(Tenant.name == "once")).all()) == 1


def test_without_auth_everybody_acts_for_the_default_tenant_and_a_key_for_its_own(client, key, refusal):
    headers = key("other", *SCOPES)
    client.post("/v1/feedback", json={"items": [{"text": "for everybody"}]})
    client.post("/v1/feedback", json={"items": [{"text": "for the other"}]}, headers=headers)

    assert [row["text"] for row in client.get("/v1/feedback").json()["items"]] == ["for everybody"]
    assert [row["text"] for row in client.get("/v1/feedback", headers=headers).json()["items"]] == [
        "for the other"
    ]
    assert client.post("/v1/reindex", json={}).json() == {"queued": 1}
    refusal(client.post("/v1/reindex", json={}, headers=key("narrow", "read")), 403)
    for wrong in ("Bearer nonsense", "Bearer", "", "Basic YTpi"):
        refusal(client.get("/v1/feedback", headers={"Authorization": wrong}), 401)


def test_with_auth_nobody_acts_without_a_key(serve, refusal):
    refusal(serve(auth="on").get("/v1/feedback"), 401)
