"""Which colour profiles say no more than a file without one."""

import numpy as np
import pytest

from smartsplat.pictures.icc import colour_space, is_srgb
from tests.profiles import (
    DISPLAY_P3,
    SRGB,
    cmyk_profile,
    gamma_curve,
    grey_profile,
    linear_curve,
    rgb_profile,
    srgb_parametric,
    srgb_table,
)


@pytest.mark.parametrize("curve", [srgb_parametric(), srgb_table(1024), srgb_table(64), srgb_table(26)])
def test_knows_srgb_in_whatever_form(curve):
    assert is_srgb(rgb_profile(SRGB, curve))
    assert is_srgb(grey_profile(curve))


def test_knows_the_srgb_of_little_cms():
    image_cms = pytest.importorskip("PIL.ImageCms")
    assert is_srgb(image_cms.ImageCmsProfile(image_cms.createProfile("sRGB")).tobytes())


@pytest.mark.parametrize(
    "other",
    [
        rgb_profile(SRGB, gamma_curve(2.2)),
        rgb_profile(SRGB, linear_curve()),
        rgb_profile(DISPLAY_P3, srgb_parametric()),
        grey_profile(gamma_curve(2.2)),
        cmyk_profile((128, 128, 128)),
        b"",
        b"sRGB IEC61966-2.1",
    ],
)
def test_takes_nothing_else_for_srgb(other):
    assert not is_srgb(other)


def test_tells_the_colour_space():
    assert colour_space(rgb_profile(SRGB, linear_curve())) == "RGB"
    assert colour_space(grey_profile(linear_curve())) == "GRAY"
    assert colour_space(cmyk_profile((0, 0, 0))) == "CMYK"
    assert colour_space(b"no profile") is None
    assert colour_space(bytes(500)) is None


def test_damaged_profiles_are_not_srgb_but_where_it_does_not_matter(rng):
    sound = rgb_profile(SRGB, srgb_parametric())
    assert not any(is_srgb(sound[:length]) for length in range(len(sound)))
    taken = 0
    for _ in range(2000):
        damaged = np.frombuffer(sound, np.uint8).copy()
        damaged[rng.integers(128, len(sound), 4)] = rng.integers(0, 256, 4)
        assert not is_srgb(damaged.tobytes()[: rng.integers(0, len(sound))])
        taken += is_srgb(damaged.tobytes())
    assert 0 < taken < 200  # a third of the bytes can be changed so that colours stay within their tolerances
