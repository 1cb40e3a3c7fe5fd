"""The relational database: the record of everything that was acknowledged."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from filelock import FileLock, Timeout
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from service.store.errors import DatabaseUnavailableError

SQLITE_BUSY_SECONDS: Final = 30.0
"""How long a writer waits for another one; SQLite has one writer at a time."""

WORKER_THREADS: Final = 20
"""Threads of one process that use the database for requests; `service/lifespan.py` sets their number."""

CONNECTIONS_MAX: Final = WORKER_THREADS + 4
"""A connection for each worker thread, so that none waits for another's: one more is the indexer's lock,
one the health check's, one the jobs' lock, one the jobs' work. Three processes take 72 of the 100 that
PostgreSQL allows by default, the jobs' own records 3 more."""

POSTGRES_PATIENCE: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""How long libpq waits for a server that is gone without a word, where the URL does not say: seconds,
but for the last, which is milliseconds. Without them a lost route holds a thread for minutes."""

_POOL: Final = {"pool_size": 5, "max_overflow": CONNECTIONS_MAX - 5}


class Database:
    """Sessions on SQLite (WAL) or PostgreSQL. Blocking: call it from a worker thread."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self._engine = _sqlite_engine(self.url) if self.is_sqlite else _server_engine(self.url)
        # SQLite must take its write lock at BEGIN: a transaction that reads first and writes later
        # fails at once, without waiting, when another one wrote in between.
        self._writing = self._engine.execution_options(closeloop_writes=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session that only reads; it ends without a commit.

        Raises:
            DatabaseUnavailableError: The database does not answer.
        """
        with _unavailable(), Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction; commit at the end, roll back on any exception.

        Raises:
            DatabaseUnavailableError: The database does not answer; nothing was written.
        """
        with _unavailable(), Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    def migrate(self) -> None:
        """Bring the schema to this version's; safe when several processes start at once.

        Raises:
            DatabaseUnavailableError: The database cannot be reached.
        """
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        try:
            with self._one_opener(), self._writing.connect() as connection, connection.begin():
                if not self.is_sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('closeloop.migrate'))"))
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except (SQLAlchemyError, Timeout) as error:
            raise DatabaseUnavailableError(
                f"expected a database at {self.url.render_as_string(hide_password=True)}, got: "
                f"{type(error).__name__}: {getattr(error, 'orig', error)}"
            ) from error

    @contextmanager
    def _one_opener(self) -> Iterator[None]:
        """Let one process at a time open a SQLite file that may be new.

        Turning the write-ahead log on needs the file to oneself and does not wait for it: two first
        starts at once would end one of them with "database is locked".
        """
        if not (self.is_sqlite and self.url.database):
            yield
            return
        file = Path(self.url.database)
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_name(f"{file.name}.lock"), timeout=SQLITE_BUSY_SECONDS):
            yield

    def ping(self) -> None:
        """Return when the database answers.

        Raises:
            DatabaseUnavailableError: It does not.
        """
        try:
            with self._engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError as error:
            raise DatabaseUnavailableError(f"the database does not answer: {type(error).__name__}") from error

    @contextmanager
    def exclusive(self, name: str) -> Iterator[bool]:
        """Hold a lock shared by all processes on this database; yield whether it was free.

        SQLite is served by one process, so there it is always free.
        """
        if self.is_sqlite:
            yield True
            return
        with self._engine.connect() as connection:
            got = bool(
                connection.scalar(text("SELECT pg_try_advisory_lock(hashtext(:name))"), {"name": name})
            )
            connection.commit()
            try:
                yield got
            finally:
                if got:
                    connection.execute(text("SELECT pg_advisory_unlock(hashtext(:name))"), {"name": name})
                    connection.commit()

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()


@contextmanager
def _unavailable() -> Iterator[None]:
    """Translate what the drivers say of a database that is away, full, or busy for too long."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeoutError) as error:
        # The driver's own words can hold parameters, and so a customer's: the kind is enough.
        kind = type(getattr(error, "orig", None) or error).__name__
        raise DatabaseUnavailableError(f"the database does not answer: {kind}") from error


def _server_engine(url: URL) -> Engine:
    patience = {name: value for name, value in POSTGRES_PATIENCE.items() if name not in url.query}
    return create_engine(url, pool_pre_ping=True, connect_args=patience, **_POOL)


def _sqlite_engine(url: URL) -> Engine:
    kept = url.database not in {None, "", ":memory:"}
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_SECONDS}, **(_POOL if kept else {}))

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin on its own: see `begin`
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        # FULL syncs the log at each commit: an acknowledged text survives a power cut.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("closeloop_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
