"""Where a picture differs from another, as a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ERROR_GAIN = 6
"""By how much differences are enlarged, to be seen."""


def error_picture(original: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The absolute difference of two arrays of one shape times ERROR_GAIN, at most 255."""
    difference = np.abs(original.astype(np.int16) - other) * ERROR_GAIN
    return np.asarray(np.minimum(difference, 255), np.uint8)
