"""How much one request may carry."""

from collections.abc import Sequence

from service.api.v1.wire.base import REQUEST_CHARS_MAX
from service.errors import TooLargeError


def check_request_size(texts: Sequence[str]) -> None:
    """Check the length of a request's texts; the number of its items is checked while it is read.

    Raises:
        TooLargeError: Too many characters together.
    """
    characters = sum(map(len, texts))
    if characters > REQUEST_CHARS_MAX:
        raise TooLargeError(f"expected at most {REQUEST_CHARS_MAX:,} characters together, got {characters:,}")
