"""Cuts items into requests that the service accepts."""

from collections.abc import Iterable, Iterator
from typing import Final

from service.cli.importing.items import Item

ITEMS_MAX: Final = 64
"""A quarter of what a request may carry: another caller's text waits for one such batch at most."""

CHARS_MAX: Final = 200_000
BYTES_MAX: Final = 3_500_000
"""The service takes bodies of 4 MiB; metadata counts here too."""


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield items in order, as many at a time as one request may carry."""
    batch: list[Item] = []
    chars = size = 0
    for item in items:
        full = len(batch) == ITEMS_MAX or chars + item.chars > CHARS_MAX or size + item.size > BYTES_MAX
        if batch and full:
            yield batch
            batch, chars, size = [], 0, 0
        batch.append(item)
        chars += item.chars
        size += item.size
    if batch:
        yield batch
