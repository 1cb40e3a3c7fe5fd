"""Texts found by meaning: the vector port and what implements it."""

from pathlib import Path

from service.store.vectors.edge import EdgeIndex
from service.store.vectors.protocol import FACETS, Hit, PayloadValue, Point, VectorFilter, VectorIndex

__all__ = [
    "FACETS",
    "EdgeIndex",
    "Hit",
    "PayloadValue",
    "Point",
    "VectorFilter",
    "VectorIndex",
    "open_index",
]


def open_index(
    *, folder: Path, url: str | None = None, api_key: str | None = None, space: str, dimensions: int
) -> VectorIndex:
    """Open the index of one vector space: on a Qdrant server if `url` names one, else in this process.

    Args:
        folder: Where the in-process index lies.
        url: Address of a Qdrant server.
        api_key: Its key, if it wants one.
        space: Identity of the vector space.
        dimensions: Length of a vector.

    Raises:
        IndexUnavailableError: The in-process index is held by another process or damaged.
        ValueError: `url` is not an address.
    """
    if not url:
        return EdgeIndex(folder, space=space, dimensions=dimensions)
    # The client costs a second and 40 MB to import, gRPC included: only who uses it pays.
    from service.store.vectors.server import QdrantServerIndex  # noqa: PLC0415

    return QdrantServerIndex(url, api_key, space=space, dimensions=dimensions)
