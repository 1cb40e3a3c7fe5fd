"""The database, for the commands that work on it directly."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from service.cli.errors import CliError
from service.errors import ServiceError
from service.settings import Settings
from service.store.database import Database
from service.store.errors import StoreError


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """Open the database that the settings name, migrated; what fails becomes one line.

    Safe while the service runs: both databases let several processes write, one after the other.

    Raises:
        CliError: The database cannot be reached, or it refused.
    """
    try:
        database = Database(settings.sqlalchemy_url())
        try:
            database.migrate()
            yield database
        finally:
            database.close()
    except (ServiceError, StoreError) as error:
        raise CliError(str(error)) from error
    except SQLAlchemyError as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        raise CliError(f"the database refused: {type(error).__name__}: {reason}") from error
    except OSError as error:
        raise CliError(f"the database cannot be opened: {error}") from error
