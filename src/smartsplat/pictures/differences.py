"""Where a picture differs from another, as a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ERROR_GAIN = 6
"""By how much differences are enlarged, to be seen."""


def error_picture(original: NDArray[np.uint8], other: NDArray[np.uint8], gain: int = ERROR_GAIN) -> NDArray[np.uint8]:
    """The absolute difference of two arrays of one shape times the gain, 1 to 128, at most 255."""
    difference = np.abs(original.astype(np.int16) - other) * gain
    return np.asarray(np.minimum(difference, 255), np.uint8)
