import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import WeightsError
from models.weights.q4 import dequantise_q4_0

blocks = st.tuples(st.floats(-100, 100, width=16), st.lists(st.integers(0, 255), min_size=16, max_size=16))


@pytest.mark.parametrize(("size", "count"), [(17, 32), (18, 31), (18, 64), (36, 32), (18, 0)])
def test_a_size_that_does_not_fit_the_count_is_refused(size, count):
    with pytest.raises(WeightsError, match=f"of {count} weights, found {size} bytes"):
        dequantise_q4_0(bytes(size), count)


def test_no_weights_are_an_empty_array():
    assert dequantise_q4_0(b"", 0).shape == (0,)


@given(st.lists(blocks, min_size=1, max_size=8))
def test_every_weight_equals_the_definition_written_out(drawn):
    raw = b"".join(struct.pack("<e16B", scale, *codes) for scale, codes in drawn)
    expected = []
    for scale, codes in drawn:
        expected += [((code & 15) - 8) * scale for code in codes]
        expected += [((code >> 4) - 8) * scale for code in codes]

    weights = dequantise_q4_0(raw, 32 * len(drawn))

    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


def test_more_blocks_than_are_taken_at_once_come_out_whole():
    count = 32 * (2 * (1 << 16) + 3)
    raw = struct.pack("<e16B", 1.0, *[0x9A] * 16) * (count // 32)

    weights = dequantise_q4_0(raw, count).reshape(-1, 32)

    assert (weights[:, :16] == 2).all()
    assert (weights[:, 16:] == 1).all()
