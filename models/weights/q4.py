"""Four-bit weights to float32."""

import numpy as np

from models.arrays import Floats1d
from models.errors import WeightsError

_BLOCK = 32
_BLOCK_BYTES = 18
_BLOCKS_AT_ONCE = 1 << 16
"""Bounds the memory of the intermediate arrays to a few MB, which also keeps them in cache."""


def dequantise_q4_0(raw: bytes, count: int) -> Floats1d:
    """Turn Q4_0 blocks into float32.

    A block holds 32 weights in 18 bytes: a float16 scale, then 16 bytes of which byte j has weight j in
    its low nibble and weight j + 16 in its high nibble; a weight is ``(nibble - 8) * scale``.

    Source: the Q4_0 layout of ggml.

    Args:
        raw: The blocks.
        count: Number of weights.

    Returns:
        The weights. *Shape:* ``(count,)``, float32.

    Raises:
        WeightsError: `raw` does not hold `count` weights, or one is not finite.

    >>> import struct
    >>> dequantise_q4_0(struct.pack("<e16B", 0.5, 0xF0, *[0x88] * 15), 32)[[0, 1, 16]]
    array([-4. ,  0. ,  3.5], dtype=float32)
    """
    blocks, rest = divmod(count, _BLOCK)
    if rest or len(raw) != blocks * _BLOCK_BYTES:
        raise WeightsError(
            f"Expected {_BLOCK_BYTES} bytes for each {_BLOCK} of {count} weights, found {len(raw)} bytes."
        )
    table = np.frombuffer(raw, dtype=np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)]))
    weights = np.empty((blocks, _BLOCK), dtype=np.float32)
    for start in range(0, blocks, _BLOCKS_AT_ONCE):
        some = table[start : start + _BLOCKS_AT_ONCE]
        out = weights[start : start + _BLOCKS_AT_ONCE]
        out[:, :16] = some["nibbles"] & 0x0F
        out[:, 16:] = some["nibbles"] >> 4
        out -= 8
        # A damaged scale can be infinite or NaN: that is for the check below to say, not for a warning.
        with np.errstate(invalid="ignore"):
            out *= some["scale"].astype(np.float32)[:, None]
    if not np.isfinite(weights).all():
        raise WeightsError("Expected finite scales in the weights, found an infinite one or NaN.")
    return weights.reshape(-1)
