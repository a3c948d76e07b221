"""Rows of made-up measurements for the tests of the bench."""

import math

import numpy as np


def made_row(
    picture="a", codec="jpeg", target_cr=100.0, psnr=30.0, ms_ssim=0.95, bpp=None, sha256="00" * 32, **others
):  # fmt: skip
    reached = psnr is not None
    bpp = (24 / target_cr if bpp is None else bpp) if reached else None
    return {
        "picture": picture, "width": 640, "height": 480, "sha256": sha256, "codec": codec,
        "settings": {"method": 6}, "versions": {"lib": "1.0"}, "target": f"CR {target_cr:g}",
        "target_cr": target_cr, "bytes": round(640 * 480 * bpp / 8) if reached else None,
        "cr": 24 / bpp if reached else None, "bpp": bpp, "psnr": psnr, "ssim": 0.9 if reached else None,
        "ms_ssim": ms_ssim if reached else None, "factor": 1, "quality": "q", "encode_seconds": 0.1,
        "decode_seconds": 0.1, "status": "ok" if reached else "unreachable", **others,
    }  # fmt: skip


def made_rows(pictures=("a", "b"), codecs=("jpeg", "smartsplat"), crs=(50.0, 100.0, 200.0, 400.0)):
    """6 dB for each doubling of the rate; each codec needs half the rate of the one before."""
    return [
        made_row(p, c, cr, psnr=70 - 6 * math.log2(cr) + 6 * gain + offset, ms_ssim=1 - cr / (2000 * 2**gain))
        for offset, p in enumerate(pictures)
        for gain, c in enumerate(codecs)
        for cr in crs
    ]


def soft_picture(height=64, width=96, seed=3):
    """Smooth colours with some grain, uint8 [H, W, 3]."""
    y, x = np.mgrid[0:height, 0:width] / 16
    waves = np.stack([np.sin(x + y), np.sin(1.3 * x - y + 1), np.cos(0.7 * y + 0.4 * x)], axis=2)
    grain = np.random.default_rng(seed).normal(0, 6, waves.shape)
    return np.clip(128 + 90 * waves + grain, 0, 255).astype(np.uint8)
