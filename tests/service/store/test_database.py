"""The database's promises, on SQLite and on PostgreSQL."""

import threading
from contextlib import ExitStack

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, text

from service.auth import ensure_tenant
from service.store.database import CONNECTIONS_MAX, POSTGRES_PATIENCE, WORKER_THREADS, Database
from service.store.errors import DatabaseUnavailableError
from service.store.records import Record, Tenant


@pytest.fixture
def database(database_url):
    opened = Database(database_url)
    opened.migrate()
    yield opened
    opened.close()


def test_an_address_where_nothing_listens_is_a_clear_error():
    database = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing?connect_timeout=2")
    with pytest.raises(DatabaseUnavailableError, match="expected a database at"):
        database.migrate()
    with pytest.raises(DatabaseUnavailableError, match="does not answer"), database.read() as session:
        session.execute(text("SELECT 1"))
    with pytest.raises(DatabaseUnavailableError, match="does not answer"):
        database.ping()


def arguments_of_a_connection(url):
    """Return what the driver is called with; it is not."""
    database = Database(url)
    seen = {}

    def refuse(_dialect, _record, _positional, named):
        seen.update(named)
        raise psycopg.OperationalError("nothing there")

    event.listen(database._engine, "do_connect", refuse)
    with pytest.raises(DatabaseUnavailableError):
        database.ping()
    return seen


def test_a_server_that_is_gone_without_a_word_is_not_waited_for_long():
    given = arguments_of_a_connection("postgresql+psycopg://nobody@host/name")

    assert given.items() >= POSTGRES_PATIENCE.items()


def test_the_url_says_better_how_long_to_wait():
    given = arguments_of_a_connection(
        "postgresql+psycopg://nobody@host/name?connect_timeout=17&keepalives_idle=1"
    )

    assert (given["connect_timeout"], given["keepalives_idle"]) == ("17", "1")
    assert given["tcp_user_timeout"] == POSTGRES_PATIENCE["tcp_user_timeout"]


def test_every_worker_thread_and_the_two_others_have_a_connection_at_once(database):
    with ExitStack() as stack:
        for _ in range(CONNECTIONS_MAX):
            stack.enter_context(database.read()).execute(text("SELECT 1"))
        assert database._engine.pool.checkedout() == CONNECTIONS_MAX > WORKER_THREADS


def test_a_failed_transaction_leaves_nothing(database):
    def fail_halfway():
        with database.write() as session:
            ensure_tenant(session, "half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    with database.read() as session:
        assert session.query(Tenant).count() == 0


def test_a_read_that_writes_commits_nothing(database):
    with database.read() as session:
        ensure_tenant(session, "unsaid")
    with database.read() as session:
        assert session.query(Tenant).count() == 0


def test_migrating_again_changes_nothing(database):
    database.migrate()
    database.ping()


def test_several_processes_may_migrate_at_once(database_url):
    failures = []

    def migrate():
        opened = Database(database_url)
        try:
            opened.migrate()
        except Exception as error:  # noqa: BLE001
            failures.append(error)
        finally:
            opened.close()

    threads = [threading.Thread(target=migrate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_the_migrations_make_the_tables_that_the_records_describe(database):
    with database._engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Record.metadata)
    assert differences == []


def test_racing_writers_wait_for_each_other(database):
    with database.write() as session:
        ensure_tenant(session, "counter").priority_weights = {"count": 0}

    def add():
        for _ in range(20):
            with database.write() as session:
                tenant = session.query(Tenant).filter_by(name="counter").with_for_update().one()
                tenant.priority_weights = {"count": tenant.priority_weights["count"] + 1}

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert session.query(Tenant).one().priority_weights == {"count": 80}


def test_a_lock_of_all_processes_is_free_once(database_url, database):
    other = Database(database_url)
    with database.exclusive("indexer") as first, other.exclusive("indexer") as second:
        # SQLite is served by one process, so nobody can hold it elsewhere.
        assert (first, second) == (True, database.is_sqlite)
    with other.exclusive("indexer") as again:
        assert again
    other.close()
