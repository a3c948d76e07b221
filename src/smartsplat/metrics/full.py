"""All metrics of two pictures at once, whatever they are made of."""

from __future__ import annotations

import numpy as np

from smartsplat import metrics
from smartsplat.metrics import floats
from smartsplat.metrics.same import Samples, ssim_same


class FullComparison(metrics.Comparison):
    """The figures of ``smartsplat.metrics.compare``, and SSIM with zeros beyond the border."""

    ssim_same: float


def compare_fully(a: Samples, b: Samples, *, threads: int = 0) -> FullComparison:
    """PSNR, SSIM and MS-SSIM as ``smartsplat.metrics.compare``, and SSIM as ``smartsplat.metrics.same``.

    Args:
        a: uint8, uint16, or float in [0, 1], [H, W, C].
        b: likewise. If one is not uint8, nothing is rounded to 8 bits.
        threads: 0 for one for each processor; of 8-bit pictures.

    Raises:
        PictureError: if the shapes differ.
        ValueError: if they are of other types, or not [H, W, C] with at least one sample.
    """
    if not a.dtype == b.dtype == np.uint8:
        values, same = floats.compare(a, b)
    else:
        values = metrics.compare(a, b, threads=threads)
        same = ssim_same(a, b, inside=values["ssim"], threads=threads)
    return {"psnr": values["psnr"], "ssim": values["ssim"], "ms_ssim": values["ms_ssim"], "ssim_same": same}
