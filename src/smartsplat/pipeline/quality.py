"""More figures of what an encoding gave, beside those that it knows anyway."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from smartsplat.engines import Engine
from smartsplat.file.splatfile import SplatFile
from smartsplat.metrics.full import FullComparison, compare_fully


def with_quality(file: SplatFile, pixels: NDArray[np.uint8], engine: Engine) -> SplatFile:
    """The same file; its report has the figures of the decoded picture, and of that of the splats before the code.

    Args:
        file: with its report.
        pixels: the original, uint8 [H, W, 3].
        engine: renders.
    """
    report = file.report
    assert report is not None
    decoded = file.render(engine=engine.name, threads=engine.threads, max_pixels=pixels.size, max_work=math.inf)
    if decoded.ndim == 2:
        decoded = np.repeat(decoded[:, :, None], 3, axis=2)
    quality = compare_fully(decoded, pixels, threads=engine.threads)
    report = replace(report, quality=quality, quality_float=_of_fitted(file, pixels, engine))
    return SplatFile(file.to_bytes(), report, fitted=file.fitted.splats if file.fitted else None)


def _of_fitted(file: SplatFile, pixels: NDArray[np.uint8], engine: Engine) -> FullComparison | None:
    if file.fitted is None:
        return None
    picture = file.fitted.render(
        engine=engine.name, threads=engine.threads, max_pixels=pixels.size, max_work=math.inf
    )  # fmt: skip
    return compare_fully(picture, pixels)
