"""Array types used between the rooms; shapes stand in the docstrings of whoever uses them."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats1d: TypeAlias = NDArray[np.float32]
Floats2d: TypeAlias = NDArray[np.float32]
Ints1d: TypeAlias = NDArray[np.int64]
