import re
import time

import httpx
import pytest
from sqlalchemy import func, select

from models.artefact import write_artefact
from service.demo import DEMO_TENANT
from service.jobs import IdleJobs
from service.lifespan import Parts
from service.store.records import Account, ApiKey, Feedback, OutboxEntry, Tenant


def count(service, record):
    with service.database.read() as session:
        return session.scalar(
            select(func.count())
            .select_from(record)
            .join(Tenant, Tenant.id == record.tenant_id)
            .where(Tenant.name == DEMO_TENANT)
        )


def waiting(service):
    with service.database.read() as session:
        return session.scalar(select(func.count()).select_from(OutboxEntry))


@pytest.fixture
def at(cli, running):
    """Commands of whoever runs the service: its address and its database, no key."""
    cli.set(url=running.url, data_dir=str(running.settings.data_dir))
    return cli


@pytest.fixture(autouse=True)
def _nobody_runs_jobs_here(monkeypatch):
    """Complaints are then left out, after a moment."""
    monkeypatch.setattr("service.cli.demo.REFIT_SECONDS", 0.2)


def test_no_service_is_told_and_no_database_made(cli, free_port, tmp_path):
    cli.set(url=f"http://127.0.0.1:{free_port}", data_dir=str(tmp_path / "var"))
    assert "no service at" in cli.refused("demo")
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("is_there", [False, True])
def test_a_service_with_another_database_is_told_apart(cli, running, tmp_path, is_there):
    cli.set(url=running.url, data_dir=str(tmp_path))
    if is_there:
        cli("keys", "list")
    assert "uses another database than this command" in cli.refused("demo")


def test_removing_what_is_not_there_says_so(cli, tmp_path):
    cli.set(data_dir=str(tmp_path))
    result = cli("demo", "--remove")
    assert result.exit_code == 0
    assert "there is no tenant `demo`" in result.stdout


def test_the_demo_shows_what_it_loaded_the_queue_and_a_search_and_leaves_no_key(at, running):
    result = at("demo")
    assert result.exit_code == 0, result.output
    assert "recurring complaints are left out: the refit is still queued" in result.stderr
    assert re.search(r"190 texts in \d+ languages of 24 accounts, 190 of them new, in", result.stdout)
    assert "\x1b" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 120
    assert len(re.findall(r"^ *\d+ +\d+\.\d ", result.stdout, re.MULTILINE)) == 10
    assert "“no SMS code after changing my phone”" in result.stdout
    assert count(running, Feedback) == 190
    assert count(running, Account) == 24
    with running.database.read() as session:
        keys = session.scalars(select(ApiKey).where(ApiKey.name == "closeloop demo"))
        assert all(key.revoked_at for key in keys)


def test_without_heads_it_still_stores_searches_and_ranks(
    cli, serve, tmp_path, tiny_artefact, hashing_encoder
):
    manifest = tiny_artefact.manifest.model_copy(update={"encoder": "another:1"})
    write_artefact(tmp_path / "model", manifest=manifest, heads=tiny_artefact.heads, branch=None, card="card")
    only_encoder = Parts(encoder=hashing_encoder, jobs=IdleJobs())
    with serve(tmp_path / "var", only_encoder, model=tmp_path / "model") as service:
        cli.set(url=service.url, data_dir=str(tmp_path / "var"))
        result = cli("demo", "--top", "3")
        assert result.exit_code == 0, result.output
        assert "190 texts of 24 accounts, 190 of them new" in result.stdout
        cli.set(key=service.key(DEMO_TENANT, "read", "score"))
        assert cli("queue").exit_code == cli("search", "payment").exit_code == 0
        assert "No heads for this encoder" in cli.refused("score", "hello")


def test_running_it_twice_loads_nothing_twice(at, running):
    at("demo")
    assert "all there already" in at("demo", "--top", "1").stdout
    assert count(running, Feedback) == 190


def test_other_tenants_see_nothing_of_it(at, running):
    at("demo", "--top", "1")
    headers = {"Authorization": f"Bearer {running.key('neighbour', 'read')}"}
    assert httpx.get(f"{running.url}/v1/queue", headers=headers).json()["items"] == []


def test_removed_means_gone_from_the_database_and_soon_from_the_index(at, running):
    at("demo", "--top", "1")
    result = at("demo", "--remove")
    assert result.exit_code == 0
    assert "removed with 190 texts" in result.stdout
    with running.database.read() as session:
        assert session.scalar(select(Tenant).where(Tenant.name == DEMO_TENANT)) is None
        assert session.scalar(select(func.count()).select_from(Feedback)) == 0
    until = time.monotonic() + 60
    while waiting(running) and time.monotonic() < until:
        time.sleep(0.05)
    assert waiting(running) == 0, "the service takes the points out of its index"
