"""What the service refuses or cannot do, in its own words; `service/problems.py` gives each its status.

ServiceError
├── UnauthenticatedError    no key, or one that is unknown or revoked
├── ForbiddenError          the key lacks a scope
├── NotFoundError           nothing of that id in this tenant
├── ConflictError           it contradicts what is stored
├── TooLargeError           more than one request may carry
├── UnsupportedMediaTypeError   a body that does not say it is JSON
├── UnprocessableError      well-formed, but not acceptable
├── RetryableError          the same request may succeed later
│   ├── RateLimitedError        the tenant exceeds its own rate
│   ├── OverloadedError         the service is full
│   └── DeadlineExceededError   the caller would have stopped waiting
└── NoHeadsError            the encoder works, but no heads were trained on it
"""

from typing import Any


class ServiceError(Exception):
    """Base of all errors of this room.

    Attributes:
        detail: What was expected and what came, for the caller to read; never a customer's words.
        extra: Further members of the problem document.
    """

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra


class UnauthenticatedError(ServiceError):
    """No key, or one that is unknown or revoked."""


class ForbiddenError(ServiceError):
    """The key lacks a scope."""


class NotFoundError(ServiceError):
    """Nothing of that id in this tenant."""


class ConflictError(ServiceError):
    """The request contradicts what is stored."""


class TooLargeError(ServiceError):
    """More than one request may carry."""


class UnsupportedMediaTypeError(ServiceError):
    """A body that does not say it is JSON."""


class UnprocessableError(ServiceError):
    """Well-formed, but not acceptable."""


class RetryableError(ServiceError):
    """The same request may succeed later.

    Attributes:
        retry_after_seconds: When to try again, at least 1.
    """

    def __init__(self, detail: str, *, retry_after_seconds: float = 1.0) -> None:
        super().__init__(detail)
        self.retry_after_seconds = max(1, round(retry_after_seconds))


class RateLimitedError(RetryableError):
    """The tenant exceeds its own rate."""


class OverloadedError(RetryableError):
    """The service is full."""


class DeadlineExceededError(RetryableError):
    """The caller would have stopped waiting before the work was done."""


class NoHeadsError(ServiceError):
    """The encoder works, but no heads were trained on it."""
