"""Encoding: files as large or as good as asked, the same at every run, never worse than a flat colour."""

import itertools
import math
import re
import warnings

import numpy as np
import pytest
from PIL import Image

import smartsplat
from smartsplat import _native
from smartsplat.coding.format import GREATEST_WHOLE
from smartsplat.errors import PictureError, TargetError
from smartsplat.file.splatfile import SplatFile
from smartsplat.metrics import psnr
from smartsplat.pipeline.search import CLOSE_ENOUGH
from tests.conftest import INSTRUCTION_SETS
from tests.photos import bright_pixel, checkerboard, flat, gradient, grey_photo, noise, photo
from tests.profiles import DISPLAY_P3, rgb_profile, srgb_parametric

PICTURES = {
    "photo": photo(),
    "grey": grey_photo(),
    "flat": flat(),
    "noise": noise(48, 48),
    "1x1": photo(1, 1),
    "1x37": photo(1, 37),
    "3x50": photo(3, 50),
    "200x2": photo(200, 2),
    "bright pixel": bright_pixel(),
    "black": flat(32, 32, (0, 0, 0)),
}


def raw_bytes(pixels):
    return 3 * pixels.shape[0] * pixels.shape[1]


def encode(pixels, **options):
    return smartsplat.encode(pixels, **({} if "preset" in options else {"effort": 1}) | options)


def encode_at_least(pixels, **options):
    """The file, or that of the least size where the target is below it."""
    try:
        return encode(pixels, **options), False
    except TargetError as error:
        return encode(pixels, size=least_size(error)), True


def least_size(error):
    return int(re.search(r"least possible size is (\d+) bytes", str(error))[1])


def assert_full(file, allowed, pixels):
    """At most the bytes allowed, and as many as `smartsplat.encode` promises."""
    assert len(file) == len(file.to_bytes()) <= allowed
    everything_is_there = file.report.splats == pixels.shape[0] * pixels.shape[1]
    nothing_helps = file.report.splats == 1 and file.report.psnr < best_flat(pixels) + 0.1
    if not (math.isinf(file.report.psnr) or everything_is_there or nothing_helps):
        assert len(file) >= min(0.97 * allowed, allowed - 8)


# Targets in bytes


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize(
    "target",
    [{"cr": 20}, {"cr": 100}, {"cr": 3}, {"size": 300}, {"size": 61}, {"bpp": 0.3}, {"bpp": 4}],
    ids=str,
)
def test_files_have_the_bytes_asked_for(name, target):
    pixels = PICTURES[name]
    raw = raw_bytes(pixels)
    allowed = target.get("size") or int(raw / target["cr"] if "cr" in target else target["bpp"] * raw / 24)
    file, too_few = encode_at_least(pixels, **target)
    if too_few:
        assert allowed < len(file) + 12
    else:
        assert_full(file, allowed, pixels)


@pytest.mark.parametrize("allowed", [34, 37, 45, 64, 90, 128, 129, 180, 250, 300, 700, 2500, 9000, 18432])
@pytest.mark.parametrize("seed", [0, 1])
def test_files_of_a_photo_are_full_at_every_size(allowed, seed):
    assert_full(encode(photo(), size=allowed, seed=seed), allowed, photo())


@pytest.mark.parametrize("name", PICTURES)
def test_the_least_possible_size_is_named_and_works(name):
    pixels = PICTURES[name]
    with pytest.raises(TargetError) as caught:
        encode(pixels, size=1)
    least = least_size(caught.value)
    assert "\n" not in str(caught.value)
    file = encode(pixels, size=least)
    assert len(file) <= least
    assert SplatFile.from_bytes(file.to_bytes()).render().shape == pixels.shape
    with pytest.raises(TargetError):
        encode(pixels, size=least - 1)


@pytest.mark.parametrize(
    "target", [{"size": 18433}, {"cr": 0.99}, {"bpp": 24.1}, {"cr": 1e-300}, {"bpp": 1e308}], ids=str
)
def test_more_bytes_than_any_file_needs_give_the_exact_picture(target):
    file = encode(photo(), **target)
    assert np.array_equal(file.render(), photo())
    assert len(file) < raw_bytes(photo())


def test_small_pictures_may_have_more_bytes_than_the_raw_ones():
    file = encode(noise(10, 10), size=4096)
    assert len(file) > 300
    assert np.array_equal(file.render(), noise(10, 10))
    assert encode(noise(10, 10), size=10**6).to_bytes() == file.to_bytes()


@pytest.mark.parametrize(
    "target",
    [{"cr": 0}, {"cr": -5}, {"size": 0}, {"bpp": -1}, {"psnr": 0}, {"cr": math.nan}, {"psnr": math.inf}],
    ids=str,
)
def test_impossible_targets_are_refused(target):
    with pytest.raises(TargetError, match=next(iter(target))):
        encode(photo(), **target)


def test_one_target_only():
    with pytest.raises(TargetError, match="only one"):
        encode(photo(), cr=50, psnr=30)


def test_without_a_target_it_is_cr_100():
    pixels = photo(300, 200)
    assert encode(pixels).to_bytes() == encode(pixels, cr=100).to_bytes()
    assert len(encode(photo(30, 20))) <= 256


# Metadata take bytes too


@pytest.fixture
def with_profile(tmp_path):
    """A small picture whose profile takes more bytes than its pixels should."""
    path = tmp_path / "a.png"
    Image.fromarray(photo(40, 30)).save(path, icc_profile=rgb_profile(DISPLAY_P3, srgb_parametric()))
    return path


def test_metadata_count_as_bytes_of_the_file(with_profile):
    file = smartsplat.encode(with_profile, size=400, effort=1)
    assert_full(file, 400, photo(40, 30))
    with pytest.raises(TargetError, match="metadata") as caught:
        smartsplat.encode(with_profile, size=60)
    assert len(smartsplat.encode(with_profile, size=least_size(caught.value), effort=1)) > 150


@pytest.mark.parametrize("target", [{}, {"psnr": 20}, {"psnr": 30}], ids=str)
def test_metadata_do_not_stand_in_the_way_of_other_targets(with_profile, target):
    file = smartsplat.encode(with_profile, effort=1, **target)
    assert file.report.psnr >= target.get("psnr", 25)


# Quality


def test_psnr_is_reached_and_usually_not_by_much_more():
    pixels = photo(300, 200)
    files = {
        (wanted, seed): encode(pixels, psnr=wanted, seed=seed, effort=2) for wanted in (27, 30, 33) for seed in (0, 1)
    }
    surplus = [psnr(file.render(), pixels) - wanted for (wanted, _), file in files.items()]
    assert min(surplus) >= 0
    assert np.median(surplus) <= CLOSE_ENOUGH
    assert max(surplus) < 1  # observed: up to 0.6, where PSNR jumps between sizes a byte apart


@pytest.mark.parametrize("name", PICTURES)
def test_psnr_is_reached_or_refused(name):
    pixels = PICTURES[name]
    for wanted in (5.0, 33.0, 37.0):
        try:
            file = encode(pixels, psnr=wanted)
        except TargetError as error:
            assert "best" in str(error)
        else:
            assert psnr(file.render(), pixels) >= wanted
            assert len(file) <= max(raw_bytes(pixels), 128)


def test_a_psnr_out_of_reach_is_refused_with_the_best():
    with pytest.raises(TargetError, match=r"60 dB .* best was \d+\.\d+ dB"):
        encode(noise(24, 24), psnr=60, lattice="none")


@pytest.mark.parametrize("name", PICTURES)
def test_the_report_says_what_is_measured(name):
    pixels = PICTURES[name]
    file = encode(pixels, size=300)
    decoded = smartsplat.decode(file.to_bytes())
    assert decoded.shape == pixels.shape
    assert file.report.psnr == pytest.approx(psnr(decoded, pixels), abs=1e-5)
    assert file.report.splats == len(file.splats) == len(SplatFile.from_bytes(file.to_bytes()).splats)
    assert file.report.seconds > 0
    np.testing.assert_array_equal(file.render(), decoded)


def test_more_bytes_and_more_effort_are_better():
    pixels = photo(192, 128)
    found = [encode(pixels, size=size, effort=4).report.psnr for size in (400, 800, 1600, 3200)]
    assert all(after > before + 1 for before, after in itertools.pairwise(found))
    assert encode(pixels, size=800, effort=1).report.psnr < found[1] - 1


# The same bytes


@pytest.mark.parametrize("options", [{}, {"preset": "paper", "steps": 10}, {"psnr": 28}], ids=str)
def test_the_same_seed_gives_the_same_bytes_with_any_number_of_threads(options):
    pixels = photo(150, 140)
    files = {encode(pixels, seed=3, threads=threads, **options).to_bytes() for threads in (1, 2, 3, 16, 0)}
    assert len(files) == 1
    assert encode(pixels, seed=4, **options).to_bytes() not in files


def test_instruction_sets_make_files_that_are_as_good():
    """Not the same ones: docs/pictures.md says so, too."""
    pixels = photo(150, 140)
    files = []
    try:
        for name in INSTRUCTION_SETS:
            assert _native.use_instruction_set(name)
            files.append([encode(pixels, seed=3, size=700) for _ in range(2)])
    finally:
        _native.use_instruction_set("")
    assert all(len(a) > 0.97 * 700 and bytes(a) == bytes(b) for a, b in files)
    assert np.ptp([a.report.psnr for a, _ in files]) < 0.5


@pytest.mark.parametrize("seed", [0, 2**32, 2**63 - 1])
def test_seeds_of_63_bits(seed):
    assert encode(photo(150, 140), seed=seed, cr=30).report.seed == seed


@pytest.mark.parametrize(
    "options",
    [
        {"seed": -1},
        {"seed": 2**63},
        {"effort": 0},
        {"effort": 10},
        {"preset": "x"},
        {"steps": 5},
        {"steps": 0, "preset": "paper"},
        {"effort": 5, "preset": "paper"},
        {"constants": {"lambda_l": 0.5}},
        {"constants": {"lambda_l": 2}, "preset": "official-code"},
        {"dask": "local", "preset": "paper"},
        {"workers": -1},
        {"memory": 1 << 20},
        {"lattice": "x"},
        {"tune": "x"},
        {"tune": "psnr", "preset": "paper"},
        {"splats": 5},
        {"psnr": 30, "preset": "paper"},
        {"psnr": 30, "preset": "official-code"},
    ],
    ids=str,
)
def test_options_out_of_range_are_refused(options):
    name = next(iter(options))
    with pytest.raises(ValueError, match="lambda_l" if name == "constants" and "preset" in options else name):
        smartsplat.encode(photo(8, 8), **options)


# Nothing diverges


def best_flat(pixels):
    """PSNR of the best flat colour in 8 bits."""
    rows = pixels.reshape(-1, *pixels.shape[2:])
    return psnr(np.broadcast_to(np.rint(rows.mean(axis=0)).astype(np.uint8), pixels.shape), pixels)


TINY = {
    "photo": photo(24, 20),
    "grey": grey_photo(24, 20),
    "black": flat(24, 20, (0, 0, 0)),
    "white": flat(24, 20, (255, 255, 255)),
    "checkerboard": checkerboard(24, 20),
    "coarse checkerboard": checkerboard(40, 40, 10),
    "bright pixel": bright_pixel(24, 20),
    "dark pixel": 255 - bright_pixel(24, 20),
    "noise": noise(24, 20),
    "gradient": gradient(24, 20),
    "line": photo(60, 1),
    "column": photo(1, 60),
    "pixel": photo(1, 1),
    "step": np.repeat(np.uint8([[[0] * 3] * 12 + [[255] * 3] * 12]), 20, axis=0),
}


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize(
    "options", [{}, {"preset": "paper", "steps": 20}, {"preset": "official-code", "steps": 20}], ids=str
)
def test_no_fit_diverges(name, options):
    pixels = TINY[name]
    for seed in range(3):
        for size in (60, 120, 400, 1500):
            file = encode(pixels, size=size, seed=seed, **options)
            assert np.isfinite(file.splats.parameters).all()
            if not options:  # so few steps of the paper's do not get as far
                assert file.report.psnr >= best_flat(pixels) - 0.1, (seed, size)


@pytest.mark.parametrize("effort", [2, 5])
@pytest.mark.parametrize("name", TINY)
def test_no_fit_diverges_at_greater_efforts(name, effort):
    file = encode(TINY[name], size=200, effort=effort)
    assert np.isfinite(file.splats.parameters).all()
    assert file.report.psnr >= best_flat(TINY[name]) - 0.1


# Pictures that cannot be


@pytest.mark.parametrize("shape", [(1, GREATEST_WHOLE + 1), (GREATEST_WHOLE + 1, 1)])
def test_sides_longer_than_files_can_say_are_refused(shape):
    with pytest.raises(PictureError, match=str(GREATEST_WHOLE)):
        smartsplat.encode(np.zeros(shape, np.uint8))


def test_transparent_arrays():
    pixels = np.dstack([photo(20, 20), np.full((20, 20), 128, np.uint8)])
    assert encode(pixels).render().shape == (20, 20, 4)
    assert encode(pixels, flatten="white").render().shape == (20, 20, 3)


def test_progress_goes_up_to_the_end():
    seen = []
    encode(photo(), progress=seen.append)
    assert seen == sorted(seen)
    assert 0 <= seen[0] < 0.5
    assert seen[-1] == pytest.approx(1, abs=0.01)


def test_large_exif_is_left_out_and_small_kept(tmp_path):
    image = Image.fromarray(photo(96, 64))
    for comment, kept in (("short", True), ("".join(map(chr, np.random.default_rng(1).integers(33, 120, 900))), False)):
        exif = Image.Exif()
        exif[0x010E] = comment
        image.save(tmp_path / "in.png", exif=exif.tobytes())
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", smartsplat.PictureWarning)
            file = smartsplat.encode(tmp_path / "in.png", size=1500, effort=1)
        assert (file.metadata.exif is not None) is kept
        assert len(file) <= 1500
        assert [("in.png" in str(w.message), "EXIF" in str(w.message)) for w in caught] == [(True, True)] * (not kept)


@pytest.mark.parametrize(
    "options", [{"workers": 2}, *({"lattice": "none", name: "local"} for name in ("dask", "checkpoint"))], ids=str
)
def test_options_that_would_do_nothing_are_refused(tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="goes with"):
        smartsplat.encode(noise(24, 24), effort=1, **options)
    assert not any(tmp_path.iterdir())
