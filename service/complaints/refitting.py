"""`python -m service.complaints.refitting ID SPACE`: one refit, in a process of its own.

It brings BERTopic, scikit-learn and torch, which nobody else here imports, and takes their memory with it
when it ends. Its settings are the service's, from the environment. It may be killed at any moment and run
again: all it writes is one transaction at its end.
"""

import os
import sys
import threading
from typing import Final
from uuid import UUID

import structlog

from service import logging as service_logging
from service.complaints.applying import apply_refit
from service.complaints.refits import begin, succeed
from service.complaints.snapshot import take_snapshot
from service.settings import Settings
from service.store.database import Database
from service.store.records import ComplaintRefit, now

ROUNDS: Final = 5
"""How often it begins anew because people decided something while it ran."""

NOTHING_TO_DO: Final = 0
FAILED: Final = 1
PEOPLE_WERE_FASTER: Final = 3
ORPHANED: Final = 4

log = structlog.get_logger()


def run_refit(database: Database, refit_id: UUID, *, space: str) -> int:
    """Find a tenant's complaints and write them.

    Args:
        database: Where the texts are.
        refit_id: The refit that was asked for.
        space: Vector space of the service.

    Returns:
        The exit code: 0 when it is done, or was done before.

    Raises:
        DatabaseUnavailableError: Nothing was written; to be run again.
    """
    started = now()
    with database.write() as session:
        asked = begin(session, refit_id)
        if asked is None:
            return NOTHING_TO_DO
        tenant = asked.tenant_id
    # Takes seconds; said to be running before.
    from models.complaints.refit import Earlier, refit  # noqa: PLC0415

    for _ in range(ROUNDS):
        snapshot = take_snapshot(database, tenant, space=space)
        earlier = Earlier(members=snapshot.members, known=snapshot.known, kept=snapshot.kept)
        found = refit(
            snapshot.texts, snapshot.vectors, space=space, earlier=earlier, decisions=snapshot.decisions
        )
        with database.write() as session:
            # Locked against another run of the same refit: the first to come here writes, once.
            mine = session.get(ComplaintRefit, refit_id, with_for_update=True)
            if mine is None or mine.state != "running":
                return NOTHING_TO_DO
            applied = apply_refit(session, tenant, snapshot, found, space=space)
            if applied is not None:
                succeed(mine, applied, started=started)
                log.info(
                    "refit_done",
                    refit_id=str(refit_id),
                    texts=applied.texts,
                    complaints=applied.complaints,
                    open_texts=applied.open_texts,
                    seconds=mine.seconds,
                )
                return 0
        log.info("refit_begins_anew", refit_id=str(refit_id), reason="people decided something meanwhile")
    return PEOPLE_WERE_FASTER


def _end_with_parent() -> None:
    """End when whoever started this ends, however it ends: its end of the pipe is closed then."""

    def wait() -> None:
        # Not through `sys.stdin`: its lock, held by a thread that waits, would break the process's own end.
        while os.read(0, 1):
            pass
        os._exit(ORPHANED)

    threading.Thread(target=wait, daemon=True, name="parent").start()


def main(refit_id: str, space: str) -> int:
    """Run one refit with the settings of the environment."""
    settings = Settings()
    service_logging.configure(settings.log_format)
    _end_with_parent()
    database = Database(settings.sqlalchemy_url())
    try:
        return run_refit(database, UUID(refit_id), space=space)
    except Exception:
        # Python's own traceback could show a statement's parameters, and so a customer's words.
        log.exception("refit_failed", refit_id=refit_id)
        return FAILED
    finally:
        database.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
