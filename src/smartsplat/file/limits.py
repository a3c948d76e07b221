"""What a set of splats from a file may be."""

from __future__ import annotations

import numpy as np

from smartsplat.coding.format import GREATEST_WHOLE
from smartsplat.errors import FormatError
from smartsplat.model.splats import Splats


def checked_set(splats: Splats, width: int, height: int) -> tuple[Splats, int, int]:
    """The same, if a picture can be that large and all parameters are numbers.

    Raises:
        FormatError: they are not.
    """
    if not (1 <= width <= GREATEST_WHOLE and 1 <= height <= GREATEST_WHOLE):
        raise FormatError(f"a picture cannot have {width} x {height} px")
    if not np.isfinite(splats.parameters).all():
        raise FormatError("not all parameters of the splats are finite numbers")
    return splats, width, height
