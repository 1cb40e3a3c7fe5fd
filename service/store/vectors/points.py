"""What a point must be before an engine may see it: the engines themselves accept NaN and null."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, cast
from uuid import UUID

import numpy as np
from numpy.typing import ArrayLike

from models.arrays import Floats1d
from service.store.vectors.protocol import PayloadValue, Point

TENANT: Final = "tenant"
TOPIC: Final = "topic"
METADATA: Final = "metadata"

KEYWORD_FIELDS: Final = (
    TENANT,
    "language",
    "sentiment",
    TOPIC,
    "urgency",
    "kind",
    "account_type",
    "account",
    "channel",
    "status",
    "complaint_id",
    METADATA,
)
"""Payload fields matched as whole words; metadata among them, see `metadata_term`."""

NUMBER_FIELDS: Final = ("revenue", "occurred_at", "received_at")
"""Payload fields compared as numbers."""


def prepared(points: Sequence[Point], dimensions: int) -> list[Point]:
    """Check points and bring them into the form the engines keep.

    Args:
        points: As callers give them.
        dimensions: Length every vector must have.

    Returns:
        One point for each id, the last one given: vector at unit length, metadata as terms.

    Raises:
        ValueError: A vector or a payload is not as `VectorIndex.upsert` asks.
    """
    last = {point.id: point for point in points}
    ready = []
    for point in last.values():
        try:
            vector = unit_vector(point.vector, dimensions)
            payload = stored_payload(point.payload)
        except ValueError as error:
            raise ValueError(f"point {point.id}: {error}") from error
        ready.append(replace(point, vector=vector, payload=payload))
    return ready


def unit_vector(vector: ArrayLike, dimensions: int) -> Floats1d:
    """Return `vector` at length 1.

    Args:
        vector: *Shape:* ``(dimensions,)``, any numeric type.
        dimensions: Length it must have.

    Returns:
        *Shape:* ``(dimensions,)``, float32.

    Raises:
        ValueError: The shape is another, a value is not finite, or all are zero.

    >>> unit_vector([3, 4], 2).round(3).tolist()
    [0.6000000238418579, 0.800000011920929]
    """
    # float64: the squares of the largest and smallest float32 values still fit.
    wide = np.asarray(vector, dtype=np.float64)
    if wide.shape != (dimensions,):
        raise ValueError(f"expected a vector of shape ({dimensions},), got {wide.shape}")
    length = float(np.linalg.norm(wide))
    if not math.isfinite(length):
        raise ValueError("expected a vector of finite values, got NaN or infinity")
    if length == 0:
        raise ValueError("expected a vector with a direction, got all zeros")
    return (wide / length).astype(np.float32)


def stored_payload(payload: Mapping[str, PayloadValue]) -> dict[str, PayloadValue]:
    """Check a payload and return it as the engines keep it: metadata as terms, numbers as floats.

    Raises:
        ValueError: The tenant is missing, a key is unknown, or a value has the wrong type.
    """
    if TENANT not in payload:
        raise ValueError("expected a payload with a tenant, got none: it could never be found")
    stored = {}
    for key, value in payload.items():
        if key not in _STORED:
            raise ValueError(f"expected a payload field out of {sorted(_STORED)}, got {key!r}")
        stored[key] = _STORED[key](key, value)
    return stored


def metadata_term(key: str, value: str | float) -> str:
    """Write one metadata entry as a single term, so that any key can be matched, exactly and by an index.

    A path into a nested payload cannot name a key with a quotation mark, does not find ``1.0`` by ``1``,
    compares numbers as float64 and is not indexed (11 ms against 0.3 ms among 10,000 points).

    Args:
        key: Any text, the empty one too.
        value: Text or a finite number; ``1`` and ``1.0`` are the same number, ``"1"`` is not.

    Returns:
        A JSON array, ASCII only; two entries have the same term exactly when they are equal.

    Raises:
        ValueError: The value is neither text nor a finite number.

    >>> metadata_term("plan", "pro"), metadata_term("seats", 1.0)
    ('["plan", "pro"]', '["seats", 1]')
    """
    if not isinstance(value, str):
        value = finite(METADATA, value)
        value = int(value) if isinstance(value, int) or value.is_integer() else value
    return json.dumps([key, value])


def finite(field: str, value: Any) -> int | float:
    """Return a number that is one.

    Raises:
        ValueError: It is not a number, NaN or infinite.
    """
    # bool is an int to Python: True matches 1, as it equals 1.
    number = _typed(field, value, (int, float))
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError(f"expected a finite number as {field}, got {number}")
    return cast(int | float, number)


def _typed(field: str, value: Any, kinds: tuple[type, ...]) -> Any:
    if not isinstance(value, kinds):
        expected = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"expected {expected} as {field}, got {type(value).__name__}")  # noqa: TRY004 bad input
    return value


def _text(field: str, value: Any) -> str:
    text: str = _typed(field, value, (str,))
    text.encode()  # a lone surrogate cannot be stored: UnicodeEncodeError is a ValueError
    return text


def _float(field: str, value: Any) -> float:
    try:
        return float(finite(field, value))
    except OverflowError as error:
        raise ValueError(f"expected a number a float can hold as {field}") from error


def _tenant(field: str, value: Any) -> str:
    # Filters write a tenant in this form; another one of the same UUID would not match.
    return str(UUID(_text(field, value)))


def _topics(field: str, value: Any) -> list[str]:
    return [_text(field, topic) for topic in _typed(field, value, (list,))]


def _metadata(field: str, value: Any) -> list[str]:
    return [metadata_term(key, entry) for key, entry in _typed(field, value, (dict,)).items()]


_STORED: Final[dict[str, Callable[[str, Any], PayloadValue]]] = (
    dict.fromkeys(KEYWORD_FIELDS, _text)
    | dict.fromkeys(NUMBER_FIELDS, _float)
    | {TENANT: _tenant, TOPIC: _topics, METADATA: _metadata}
)
