"""Runs a refit in a process of its own, and waits for it."""

import os
import subprocess
import sys
from threading import Event
from typing import Final

from service.settings import Settings

POLL_SECONDS: Final = 0.2
PROCESS: Final = "service.complaints.refitting"


class StoppedError(BaseException):
    """The service stops: no failure of the job, which stays as begun and goes on at the next start.

    Not an `Exception`, so that nobody takes it for one and writes the job off.
    """


class ProcessEndedError(Exception):
    """The process ended without having done its work."""


def run_process(settings: Settings, refit_id: str, space: str, stopping: Event) -> None:
    """Run one refit and return when it is done.

    Args:
        settings: The service's: the process gets its database from them.
        refit_id: Which.
        space: The service's vector space.
        stopping: Set when the service stops.

    Raises:
        ProcessEndedError: It ended with another code than 0.
        StoppedError: The service stops.
    """
    command = [sys.executable, "-m", PROCESS, refit_id, space]
    # The other end of its standard input tells it that this process is gone, however it went.
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment(settings)) as process:  # noqa: S603
        while process.poll() is None:
            if stopping.wait(POLL_SECONDS):
                process.kill()
                process.wait()
                raise StoppedError
    if process.returncode:
        raise ProcessEndedError(meaning(process.returncode))


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of the process: this one's, with the settings that it needs said outright."""
    own = {
        "CLOSELOOP_DATABASE_URL": settings.sqlalchemy_url(),
        "CLOSELOOP_LOG_FORMAT": settings.log_format,
    }
    threads = {} if settings.refit_threads is None else dict.fromkeys(_THREADS, str(settings.refit_threads))
    return {**os.environ, **own, **threads}


def meaning(code: int) -> str:
    """Say in words how a process ended.

    >>> meaning(-9)
    'the process was killed (signal 9); out of memory?'
    """
    if code < 0:
        return f"the process was killed (signal {-code})" + ("; out of memory?" if code == -9 else "")  # noqa: PLR2004
    if code == 3:  # noqa: PLR2004  (service.complaints.refitting.PEOPLE_WERE_FASTER)
        return "people decided something each time before it could end; the next one will take it along"
    return f"the process ended with code {code}; its log says why"


_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
