"""Metrics of pictures that are not rounded, and SSIM with zeros beyond the border."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from smartsplat.errors import PictureError
from smartsplat.metrics import compare, floats
from smartsplat.metrics.full import compare_fully
from smartsplat.metrics.same import ssim_same
from tests.metric_pictures import metric_pictures
from tests.test_paper_loss import naive_ssim

GOLDEN = json.loads((Path(__file__).parent / "data" / "metric_golden.json").read_text())["cases"]


def test_of_8_bit_values_they_are_those_of_8_bit_pictures():
    """And so those of pytorch_msssim."""
    kinds = set()
    for (name, a, b), case in zip(metric_pictures(), GOLDEN, strict=True):
        if a.size > 80_000 or not name.startswith(("noise", "shift")):  # to save time
            continue
        a, b = (p.reshape(*p.shape[:2], -1) for p in (a, b))
        found, _ = floats.compare(a / 255.0, b)
        assert found["psnr"] == pytest.approx(compare(a, b)["psnr"], abs=1e-9), name
        for metric in ("ssim", "ms_ssim"):
            assert found[metric] == pytest.approx(case["float64"][metric], abs=1e-10), name
            kinds.add((metric, found[metric] is None))
    assert len(kinds) == 3  # MS-SSIM of small pictures is none


def test_large_pictures_are_looked_at_in_strips(rng, monkeypatch):
    a, b = rng.random((180, 171, 2)), rng.integers(0, 256, (180, 171, 2), dtype=np.uint8)
    whole = floats.compare(a, b)
    monkeypatch.setattr(floats, "AT_ONCE", 1500)
    strips = floats.compare(a, b)
    assert strips[0] == pytest.approx(whole[0], rel=1e-12)
    assert strips[1] == pytest.approx(whole[1], rel=1e-12)


def test_what_rounding_would_hide_counts(rng):
    b = rng.integers(10, 240, (30, 40, 3), dtype=np.uint8)
    a = b / 255.0 + 0.3 / 255
    error = (0.3 / 255) ** 2
    assert floats.compare(a, b)[0]["psnr"] == pytest.approx(-10 * math.log10(error), abs=1e-6)
    assert math.isinf(compare(np.rint(a * 255).astype(np.uint8), b)["psnr"])
    assert math.isinf(floats.compare(b / 255.0, b)[0]["psnr"])


@pytest.mark.parametrize("size", [(1, 1), (3, 17), (10, 12), (11, 11), (11, 26), (30, 24)])
def test_ssim_with_zeros_beyond_is_what_its_formula_says(rng, size):
    a = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    b = np.clip(a + rng.integers(-40, 41, a.shape), 0, 255).astype(np.uint8)
    expected = naive_ssim(a / 255, b / 255)
    # Observed: 8e-9, for the window's weights are rounded to single precision.
    assert ssim_same(a, b) == pytest.approx(expected, abs=1e-7)
    assert floats.compare(a / 255.0, b)[1] == pytest.approx(ssim_same(a, b), abs=1e-10)
    full = compare_fully(a, b)
    assert full["ssim_same"] == ssim_same(a, b, inside=full["ssim"]) == pytest.approx(ssim_same(a, b), abs=1e-12)
    assert ssim_same(a, a) == pytest.approx(1)


def test_all_metrics_of_pictures_of_any_kind(rng):
    a = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    b = np.clip(a + rng.integers(-40, 41, a.shape), 0, 255).astype(np.uint8)
    as_bytes = compare_fully(a, b)
    assert as_bytes["ms_ssim"] is None
    for p, q in ((a / 255.0, b), (a, b / 255.0), ((a / 255).astype(np.float32), (b / 255).astype(np.float32))):
        found = compare_fully(p, q)
        for metric in ("psnr", "ssim", "ssim_same"):
            assert found[metric] == pytest.approx(as_bytes[metric], abs=1e-5)


def test_what_cannot_be_compared_is_refused():
    a = np.zeros((20, 20, 3))
    with pytest.raises(PictureError, match="shapes"):
        compare_fully(a, a[1:])
    for other in (a.astype(np.int64), a[:0], a[0]):
        with pytest.raises((ValueError, PictureError)):
            compare_fully(a[:0] if other.size == 0 else a, other)
