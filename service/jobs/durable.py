"""Jobs carried by DBOS: queue, retries, schedules and recovery are the library's; see decision 0011.

One process of all that serve a database runs them: it holds a lock, and another takes over when it ends.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from dbos import DBOS, DBOSConfig, ScheduleInput, SetWorkflowID

from service.complaints.refits import queued
from service.jobs.process import ProcessEndedError, run_process
from service.jobs.schedules import ask_for_due_refits, give_up, watch_all
from service.settings import Settings
from service.store.database import Database
from service.store.errors import StoreError
from service.store.records import now

REFITS: Final = "closeloop.refits"
"""Name of the queue: one refit at a time, whoever's it is, so that their memory does not add up."""

VERSION: Final = "1"
"""Of the workflows below: another one must not go on with what this one began."""

POLL_SECONDS: Final = 1.0
"""How long a refit that another process was asked for waits to be seen."""

LEADER_SECONDS: Final = 5.0
"""How long until another process notices that the one that ran jobs is gone."""

WATCH_SCHEDULE: Final = "7 * * * *"
"""Hourly, off the full hour where everybody's schedules fall together."""

REFIT_ATTEMPTS: Final = 3
RETRY_SECONDS: Final = 5.0

KEPT: Final = timedelta(days=30)
"""How long the library's records of what is over are kept."""

OVER: Final = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")

log = structlog.get_logger()


class DurableJobs:
    """Runs refits and the regular watch, in threads of this process and a process a refit.

    Args:
        settings: What can be set.
        database: Where work is asked for.
        space: Vector space of the service; a refit works in it.
    """

    def __init__(self, settings: Settings, database: Database, *, space: str) -> None:
        self._settings = settings
        self._database = database
        self._space = space
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._handed_on: set[UUID] = set()
        self._refit: Callable[[str], None] | None = None
        self._scheduled: tuple[Callable[[datetime, Any], None], ...] = ()

    @property
    def is_alive(self) -> bool:
        """Whether somebody looks for work."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin to look for work; returns at once."""
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop; the process of a refit is ended, and begins again at the next start."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def wake(self) -> None:
        """Say that something was asked for."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._database.exclusive("closeloop.jobs") as leads:
                    if leads:
                        self._lead()
            except Exception:
                log.exception("jobs_failed")
            self._stopping.wait(LEADER_SECONDS)

    def _lead(self) -> None:
        self._launch()
        try:
            while not self._stopping.is_set():
                self._wake.clear()
                try:
                    self._hand_on()
                except StoreError as error:
                    log.warning("jobs_postponed", reason=str(error))
                self._wake.wait(POLL_SECONDS)
        finally:
            DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=0)
            self._handed_on.clear()

    def _launch(self) -> None:
        DBOS(config=self._config())
        # Its own handler writes another form; what it says goes through this project's.
        library = logging.getLogger("dbos")
        library.handlers, library.propagate = [], True
        self._register_refit()
        self._register_schedules()
        DBOS.launch()
        DBOS.register_queue(REFITS, worker_concurrency=1, polling_interval_sec=POLL_SECONDS)
        refits, look = self._scheduled
        plans = [ScheduleInput(schedule_name="closeloop.watch", workflow_fn=look, schedule=WATCH_SCHEDULE)]
        if self._settings.refit_schedule == "off":
            DBOS.delete_schedule("closeloop.refits")
        else:
            plans.append(
                ScheduleInput(
                    schedule_name="closeloop.refits",
                    workflow_fn=refits,
                    schedule=self._settings.refit_schedule,
                )
            )
        DBOS.apply_schedules(plans)
        log.info("jobs_run", refit_schedule=self._settings.refit_schedule)

    def _config(self) -> DBOSConfig:
        return DBOSConfig(
            name="closeloop",
            system_database_url=self._settings.jobs_url(),
            application_version=VERSION,
            executor_id="closeloop",
            log_level="WARNING",
            use_listen_notify=False,
            sys_db_pool_size=3,
            max_executor_threads=8,
        )

    def _register_refit(self) -> None:
        """Tell the library what a refit is; names are what its records know steps and workflows by."""

        @DBOS.step(
            name="closeloop.run_refit",
            retries_allowed=True,
            max_attempts=REFIT_ATTEMPTS,
            interval_seconds=RETRY_SECONDS,
        )
        def run(refit_id: str) -> None:
            run_process(self._settings, refit_id, self._space, self._stopping)

        @DBOS.step(name="closeloop.give_up_refit", retries_allowed=True, max_attempts=20)
        def surrender(refit_id: str, reason: str) -> None:
            give_up(self._database, UUID(refit_id), reason)

        @DBOS.workflow(name="closeloop.refit")
        def refit(refit_id: str) -> None:
            try:
                run(refit_id)
            except Exception as error:  # noqa: BLE001  (whatever it is, who asked is told)
                surrender(refit_id, _reason(error))

        self._refit = refit

    def _register_schedules(self) -> None:
        """Tell the library what schedules do."""

        @DBOS.step(name="closeloop.ask_for_due_refits", retries_allowed=True, max_attempts=5)
        def ask() -> None:
            ask_for_due_refits(self._database)
            self.wake()

        @DBOS.step(name="closeloop.watch_all", retries_allowed=True, max_attempts=5)
        def look() -> None:
            watch_all(self._database)

        @DBOS.step(name="closeloop.forget")
        def forget() -> None:
            _forget_old()

        @DBOS.workflow(name="closeloop.scheduled_refits")
        def scheduled_refits(_at: datetime, _context: Any) -> None:
            ask()

        @DBOS.workflow(name="closeloop.scheduled_watch")
        def scheduled_watch(_at: datetime, _context: Any) -> None:
            look()
            forget()

        self._scheduled = (scheduled_refits, scheduled_watch)

    def _hand_on(self) -> None:
        """Give the library what was asked for; twice the same is once to it."""
        with self._database.read() as session:
            asked = queued(session)
        self._handed_on &= set(asked)
        for refit_id in asked:
            if self._refit is None:
                return
            if refit_id not in self._handed_on:
                with SetWorkflowID(str(refit_id)):
                    DBOS.enqueue_workflow(REFITS, self._refit, str(refit_id))
                self._handed_on.add(refit_id)
            elif self._is_over(refit_id):
                with self._database.read() as session:
                    still = refit_id in queued(session)
                if still:
                    give_up(self._database, refit_id, "the job ended without a result; its log says why")

    def _is_over(self, refit_id: UUID) -> bool:
        status = DBOS.get_workflow_status(str(refit_id))
        return status is not None and status.status in OVER


def _reason(error: Exception) -> str:
    """Return what the process ended with, below the library's own words about retries."""
    found: list[BaseException] = [*getattr(error, "errors", []), error]
    told = next((row for row in reversed(found) if isinstance(row, ProcessEndedError)), None)
    return str(told) if told is not None else type(error).__name__


def _forget_old() -> None:
    before = (now() - KEPT).isoformat()
    old = DBOS.list_workflows(
        status=list(OVER), completed_before=before, limit=1_000, load_input=False, load_output=False
    )
    if old:
        DBOS.delete_workflows([row.workflow_id for row in old])
