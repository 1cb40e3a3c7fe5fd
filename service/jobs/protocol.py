"""The seam behind which jobs run."""

from typing import Protocol


class Jobs(Protocol):
    """Runs what was asked for in the database, and what its schedules say."""

    def start(self) -> None:
        """Begin to look for work; returns at once."""

    def stop(self) -> None:
        """Stop; what is in hand goes on at the next start."""

    def wake(self) -> None:
        """Say that something was asked for."""

    @property
    def is_alive(self) -> bool:
        """Whether somebody looks for work."""


class IdleJobs:
    """Does nothing: what is asked for waits. For tests, and for whoever runs jobs elsewhere."""

    def start(self) -> None:
        """Begin to look for no work."""

    def stop(self) -> None:
        """Stop."""

    def wake(self) -> None:
        """Hear that something was asked for."""

    @property
    def is_alive(self) -> bool:
        """Idle, but well."""
        return True
