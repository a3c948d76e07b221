"""Splats and lattice together: within their bytes, as the file decodes, chosen by what a picture is like."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import smartsplat
from smartsplat.engines import load_engine
from smartsplat.metrics import psnr
from smartsplat.model.view import View
from smartsplat.pictures.planes import to_planes
from smartsplat.pipeline.compose import bare_spectrum, compose
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.pilot import MOST_PIXELS, PIECE_PIXELS, SHARES, choose_share, sample
from smartsplat.pipeline.plan import LATTICE_SHARED, plan_for, spacing_for
from smartsplat.pipeline.smooth import fill_lattice, guess_step_index
from tests.photos import photo

BUDGET = 4000


def job_of(pixels, effort=1):
    grey = pixels.ndim == 2
    planes = to_planes(np.repeat(pixels[:, :, None], 3, axis=2) if grey else pixels)
    return Job(planes, grey, load_engine(), effort)


def composed(job, share, budget=BUDGET):
    return compose(job, plan_for(job.pixels, budget, share, grey=job.grey))


def shapes(width=400, height=300):
    """Soft ellipses on a ramp: what splats are made of."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    rng = np.random.default_rng(5)
    out = np.repeat((60 + 60 * x / width)[:, :, None], 3, axis=2)
    for _ in range(25):
        cx, cy, a, b, angle = rng.random(5) * [width, height, 40, 12, np.pi] + [0, 0, 8, 4, 0]
        u = ((x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)) / a
        v = ((y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)) / b
        out += np.exp(-(u**2 + v**2) / 2)[:, :, None] * rng.uniform(-60, 90, 3)
    return out.clip(0, 255).astype(np.uint8)


def texture(width=400, height=300):
    """Noise with a grain of some pixels: what a lattice is made for."""
    grain = gaussian_filter(np.random.default_rng(2).normal(0, 1, (height, width)), 1.5)
    return np.repeat((128 + 120 * grain).clip(0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


@pytest.mark.parametrize("share", [0.0, 0.35, 0.8, 1.0])
@pytest.mark.parametrize("grey", [False, True])
def test_sections_fill_the_budget_and_decode_as_they_say(share, grey):
    pixels = photo(240, 180)
    job = job_of(pixels[:, :, 1] if grey else pixels)
    composition = composed(job, share)
    lattice = composition.lattice
    taken = len(composition.splats.section) + (len(lattice.section) - LATTICE_SHARED if lattice else 0)
    assert 0.97 * BUDGET <= taken <= BUDGET
    assert (lattice is None) == (share == 1)
    assert (len(composition.splats.codes) == 0) == (share == 0)
    canvas = load_engine().canvas(View(240, 180), lattice.decoded() if lattice else None)
    error = canvas.place(composition.splats.splats).decoded_error(job.planes)
    assert error == pytest.approx(composition.error)


def test_splats_get_their_share():
    job = job_of(photo(240, 180))
    for share in (0.35, 0.8):
        assert len(composed(job, share).splats.section) == pytest.approx(share * BUDGET, rel=0.04)


def test_the_share_suits_the_picture():
    assert choose_share(job_of(texture(), 3), BUDGET).share == 0
    assert choose_share(job_of(shapes(), 3), 1000).share == SHARES[1]
    assert choose_share(job_of(photo()), 300).share == 1


def test_a_lattice_that_the_trials_know_is_taken_as_it_is():
    job = job_of(texture(), 3)
    choice = choose_share(job, BUDGET)
    plan = plan_for(job.pixels, BUDGET, choice.share, grey=False)
    sections = [compose(job, plan, bare).lattice.section for bare in (choice.bare, None, bare_spectrum(job, 4))]
    assert len(set(sections)) == 1
    assert choose_share(job_of(shapes(), 3), 800).bare is None


@pytest.mark.parametrize("size", [(90, 60), (1, 5), (700, 600), (3000, 1000), (6000, 5000)], ids=str)
def test_the_sample_is_made_of_parts_of_the_picture(size):
    width, height = size
    planes = np.tile((np.arange(width) % 251).astype(np.uint8), (3, height, 1))
    found = sample(planes)
    assert 0 < found[0].size <= min(height * width, 1.1 * MOST_PIXELS)
    steps = np.diff(found[0, 0].astype(int))
    seams = (steps != 1) & (steps != -250)  # elsewhere the columns are neighbours in the picture
    assert seams.sum() <= max(0, found[0].size // PIECE_PIXELS)


def test_files_are_the_same_with_any_number_of_threads():
    pixels = photo(400, 300)
    files = {smartsplat.encode(pixels, cr=60, effort=1, threads=threads).to_bytes() for threads in (1, 2, 3)}
    assert len(files) == 1


def test_a_file_with_a_lattice_decodes_at_scales_and_in_regions():
    pixels = photo(400, 300)
    file = smartsplat.encode(pixels, cr=40, effort=1)
    assert file.lattice is not None
    whole = file.render()
    assert psnr(pixels, whole) == pytest.approx(file.report.psnr, abs=1e-6)
    np.testing.assert_array_equal(file.render(region=(64, 128, 100, 50)), whole[128:178, 64:164])
    half = file.render(scale=0.5)
    means = whole.reshape(150, 2, 200, 2, 3).mean(axis=(1, 3))
    assert psnr(np.rint(means).astype(np.uint8), half) > 36
    double = file.render(scale=2).reshape(300, 2, 400, 2, 3).mean(axis=(1, 3))
    assert psnr(whole, np.rint(double).astype(np.uint8)) > 36
    assert abs(double.mean() - whole.mean()) < 1


# The lattice's bytes


@pytest.mark.parametrize("allowed", [100, 300, 2000, 20_000])
def test_a_lattice_fills_its_bytes(allowed):
    spectrum = bare_spectrum(job_of(photo(200, 150)), 1)
    coded = fill_lattice(spectrum, allowed)
    assert 0.97 * allowed <= len(coded.section) <= allowed
    assert fill_lattice(spectrum, allowed, step_index=coded.step_index + 400).step_index == pytest.approx(
        coded.step_index, abs=30
    )
    assert guess_step_index(spectrum, allowed) == pytest.approx(coded.step_index, abs=300)


def test_no_lattice_fits_into_nothing():
    spectrum = bare_spectrum(job_of(photo(50, 50)), 1)
    assert fill_lattice(spectrum, 2) is None


def test_spacings_leave_the_nodes_in_bounds():
    assert spacing_for(1_000_000, 30_000) == 1
    assert spacing_for(12_000_000, 60_001) == 1
    assert spacing_for(12_000_000, 59_000) == 2
    assert spacing_for(18_000_000, 450_001) == 1
    assert spacing_for(18_000_000, 270_000) == 2
    assert spacing_for(133_000_000, 2_000_000) == 2
    assert spacing_for(133_000_000, 1_000_000) == 4
    for pixels in (10**5, 10**7, 4 * 10**8):
        for allowed in (1000, 10**5):
            assert pixels / spacing_for(pixels, allowed) ** 2 <= 4096 * allowed
