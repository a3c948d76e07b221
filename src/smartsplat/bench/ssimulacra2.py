"""SSIMULACRA 2, by the package of that name."""

from __future__ import annotations

import io

from PIL import Image

from smartsplat.bench.interface import Pixels

LEAST = 8
"""Least width and height, px."""

MOST_PIXELS = 20_000_000
"""The package keeps some 25 arrays of doubles: at 20 megapixels 10 GB."""


def ssimulacra2(original: Pixels, decoded: Pixels) -> float | None:
    """How alike two pictures look: 100 for equal ones, 90, 70, 50 and 30 for no loss, high, medium and low quality.

    It may be negative. J. Sneyers, "SSIMULACRA 2" (Cloudinary, 2022 and 2023), as the package `ssimulacra2` has it, in
    NumPy and doubles.

    Args:
        original: uint8 [H, W, 3].
        decoded: of the same shape.

    Returns:
        None where the picture has fewer than LEAST px on a side or more than MOST_PIXELS, or the package is missing.
    """
    height, width = original.shape[:2]
    if min(height, width) < LEAST or height * width > MOST_PIXELS:
        return None
    try:
        import ssimulacra2 as package
    except ImportError:
        return None
    return float(package.compute_ssimulacra2(_as_file(original), _as_file(decoded)))


def _as_file(pixels: Pixels) -> io.BytesIO:
    """What the package opens with Pillow; PPM, as it takes no time."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PPM")
    file.seek(0)
    return file
