"""More figures of what an encoding gave, beside those that it knows anyway."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smartsplat.engines import Engine
from smartsplat.file.splatfile import SplatFile
from smartsplat.metrics.full import FullComparison, compare_fully
from smartsplat.metrics.visible import compare_visible
from smartsplat.pictures.picture import Picture


def with_quality(file: SplatFile, picture: Picture, engine: Engine) -> SplatFile:
    """The same file; its report has the figures of the decoded picture, and of that of the splats before the code.

    Args:
        file: with its report.
        picture: the original.
        engine: renders.
    """
    report = file.report
    assert report is not None
    decoded = file.render(
        engine=engine.name, threads=engine.threads, max_pixels=picture.pixels.size, max_work=math.inf
    )  # fmt: skip
    report = replace(
        report, quality=compared(decoded, picture, threads=engine.threads),
        quality_float=_of_fitted(file, picture, engine),
    )  # fmt: skip
    return SplatFile(file.to_bytes(), report, fitted=file.fitted.splats if file.fitted else None)


def compared(decoded: NDArray[Any], picture: Picture, *, threads: int = 0) -> FullComparison:
    """The figures of decoded pixels, [H, W] or [H, W, 1 to 4], as far as they are visible.

    Those that have no alpha, as fitted splats have not, are seen through that of the picture.
    """
    if decoded.ndim == 2:
        decoded = decoded[:, :, None]
    colours = decoded.shape[2] - (decoded.shape[2] + 1) % 2
    seen = np.broadcast_to(decoded[:, :, :colours], picture.pixels.shape)
    alpha = decoded[:, :, -1] if decoded.shape[2] % 2 == 0 else picture.alpha
    if picture.alpha is None and alpha is None:
        return compare_fully(np.ascontiguousarray(seen), picture.pixels, threads=threads)
    return compare_visible(picture.pixels, picture.alpha, seen, alpha)


def _of_fitted(file: SplatFile, picture: Picture, engine: Engine) -> FullComparison | None:
    if file.fitted is None:
        return None
    rendered = file.fitted.render(
        engine=engine.name, threads=engine.threads, max_pixels=picture.pixels.size, max_work=math.inf
    )  # fmt: skip
    return compared(rendered, picture)
