"""What ends a command: one line on standard error and exit code 1.

CliError
├── NoServiceError      nobody listens at the address of the service
├── NoAnswerError       the connection broke, or no answer came in time
└── ProblemError        the service answered that it will not, or cannot
"""

from typing import Any


class CliError(Exception):
    """Ends a command; its message is one line that says what to do."""


class NoServiceError(CliError):
    """Nobody listens at the address of the service."""


class NoAnswerError(CliError):
    """The connection broke, or no answer came in time; the request may have been carried out."""


class ProblemError(CliError):
    """The service answered that it will not, or cannot.

    Attributes:
        status: The HTTP status.
        problem: The problem document, empty when the answer was none.
        retry_after_seconds: When to try again, `None` when the service did not say.
    """

    def __init__(
        self, message: str, *, status: int, problem: dict[str, Any], retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.problem = problem
        self.retry_after_seconds = retry_after_seconds
