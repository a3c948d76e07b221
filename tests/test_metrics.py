"""Metrics against stored values of pytorch_msssim, and against plain NumPy."""

import json
import math
import zlib
from pathlib import Path

import numpy as np
import pytest

from smartsplat.errors import PictureError
from smartsplat.metrics import MS_SSIM_LEAST, SSIM_LEAST, compare, ms_ssim, psnr, ssim
from tests.metric_pictures import metric_pictures

GOLDEN = json.loads((Path(__file__).parent / "data" / "metric_golden.json").read_text())["cases"]


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    return request.param


def random_pair(rng, height, width, channels=3, noise=30):
    a = rng.integers(0, 256, (height, width, channels), dtype=np.uint8)
    b = np.clip(a + rng.integers(-noise, noise + 1, a.shape), 0, 255).astype(np.uint8)
    return a, b


def window():
    taps = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    return np.outer(taps, taps) / taps.sum() ** 2


def naive_ssim(a, b):
    """SSIM of two channels, window by window."""
    w, values = window(), []
    for y in range(a.shape[0] - 10):
        for x in range(a.shape[1] - 10):
            p, q = (picture[y : y + 11, x : x + 11].astype(float) for picture in (a, b))
            mp, mq = (w * p).sum(), (w * q).sum()
            vp, vq, c = (w * (p - mp) ** 2).sum(), (w * (q - mq) ** 2).sum(), (w * (p - mp) * (q - mq)).sum()
            c1, c2 = 2.55**2, 7.65**2
            values.append((2 * mp * mq + c1) * (2 * c + c2) / ((mp**2 + mq**2 + c1) * (vp + vq + c2)))
    return np.mean(values)


def test_agrees_with_pytorch_msssim():
    pictures = list(metric_pictures())
    assert [name for name, _, _ in pictures] == [case["name"] for case in GOLDEN]
    for (name, a, b), case in zip(pictures, GOLDEN, strict=True):
        assert [zlib.crc32(a.tobytes()), zlib.crc32(b.tobytes())] == case["crc32"], name
        found = compare(a, b)
        for metric in ("ssim", "ms_ssim"):
            if case["float64"][metric] is None:
                assert found[metric] is None, name
            else:
                # Observed: 2e-14 from its double precision, 8e-6 from its single, which errs itself by that.
                assert found[metric] == pytest.approx(case["float64"][metric], abs=1e-12), name
                assert found[metric] == pytest.approx(case["float32"][metric], abs=2e-5), name


@pytest.mark.parametrize("size", [(11, 11), (11, 30), (29, 12), (20, 150), (80, 14)])
def test_ssim_is_what_its_formula_says(rng, size):
    a, b = random_pair(rng, *size, channels=2)
    expected = np.mean([naive_ssim(a[:, :, c], b[:, :, c]) for c in range(2)])
    assert ssim(a, b) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 5), (3, 70001, 1), (40, 33, 3)])
def test_psnr_is_what_its_formula_says(rng, shape):
    a, b = rng.integers(0, 256, (2, *shape), dtype=np.uint8)
    error = ((a.astype(float) - b) ** 2).mean()
    assert psnr(a, b) == pytest.approx(10 * np.log10(255**2 / error), abs=1e-9)


def test_extreme_errors_do_not_overflow():
    black, white = np.zeros((70, 40000, 3), np.uint8), np.full((70, 40000, 3), 255, np.uint8)
    assert psnr(black, white) == 0
    assert math.isinf(psnr(white, white))


def test_equal_pictures(rng):
    a, _ = random_pair(rng, 170, 190)
    assert compare(a, a.copy()) == {"psnr": math.inf, "ssim": 1.0, "ms_ssim": 1.0}


def test_does_not_mind_the_order(rng):
    a, b = random_pair(rng, 181, 163)
    assert compare(a, b) == pytest.approx(compare(b, a))


def test_the_same_for_any_number_of_threads_and_any_layout(rng, threads):
    a, b = random_pair(np.random.default_rng(5), 200, 333)
    found = compare(a, b, threads=threads)
    values = (metric(a, b, threads=threads) for metric in (psnr, ssim, ms_ssim))
    assert found == dict(zip(("psnr", "ssim", "ms_ssim"), values, strict=True))
    assert compare(a, b, threads=1) == found
    planes = np.ascontiguousarray(b.transpose(2, 0, 1)).transpose(1, 2, 0)
    assert compare(a[:, ::-1], planes[:, ::-1]) == compare(a[:, ::-1].copy(), b[:, ::-1].copy())
    assert compare(a[5:, 7:], planes[5:, 7:]) == compare(a[5:, 7:].copy(), b[5:, 7:].copy())
    assert compare(a[:, :, 0], b[:, :, 0]) == compare(a[:, :, :1].copy(), b[:, :, :1].copy())


def test_small_pictures_have_no_ssim(rng):
    for height, width in [(SSIM_LEAST - 1, 50), (50, SSIM_LEAST - 1)]:
        a, b = random_pair(rng, height, width)
        with pytest.raises(ValueError, match="SSIM needs"):
            ssim(a, b)
        assert compare(a, b) == {"psnr": psnr(a, b), "ssim": None, "ms_ssim": None}


def test_middling_pictures_have_no_ms_ssim(rng):
    a, b = random_pair(rng, MS_SSIM_LEAST - 1, 200)
    with pytest.raises(ValueError, match="MS-SSIM needs"):
        ms_ssim(a, b)
    assert compare(a, b) == {"psnr": psnr(a, b), "ssim": ssim(a, b), "ms_ssim": None}


@pytest.mark.parametrize("metric", [psnr, ssim, ms_ssim, compare])
def test_refuses_what_cannot_be_compared(metric):
    picture = np.zeros((200, 200, 3), np.uint8)
    with pytest.raises(PictureError, match="200 x 200 x 3 and 199 x 200 x 3"):
        metric(picture, picture[:, 1:])
    with pytest.raises(PictureError):
        metric(picture, picture[:, :, 0])
    for wrong in (picture.astype(float), picture[:0], picture[0, 0], picture[None]):
        with pytest.raises(ValueError, match="uint8"):
            metric(wrong, wrong)
