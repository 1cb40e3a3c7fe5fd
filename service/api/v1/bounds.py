"""How much one request may carry."""

from collections.abc import Sequence

from service.api.v1.wire.base import REQUEST_CHARS_MAX, REQUEST_ITEMS_MAX
from service.errors import TooLargeError


def check_request_size(texts: Sequence[str], *, items: int | None = None) -> None:
    """Check a request's bounds.

    Args:
        texts: Its texts.
        items: How many items it has, where some of them carry no text.

    Raises:
        TooLargeError: Too many items, or too many characters together.
    """
    count = len(texts) if items is None else items
    if count > REQUEST_ITEMS_MAX:
        raise TooLargeError(f"expected at most {REQUEST_ITEMS_MAX} items, got {count}")
    characters = sum(map(len, texts))
    if characters > REQUEST_CHARS_MAX:
        raise TooLargeError(f"expected at most {REQUEST_CHARS_MAX:,} characters together, got {characters:,}")
