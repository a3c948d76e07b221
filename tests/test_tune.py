"""What errors count where: weights of the lattice's places, and what comes of them."""

import argparse
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import smartsplat
import smartsplat.plugins.pillow  # (registers itself)
from smartsplat import metrics
from smartsplat.cli.encode_options import add_coding
from smartsplat.coding.lattice_section import EQUAL_WEIGHT, LAMBDA, WEIGHTS_PER_OCTAVE, write_lattice
from smartsplat.engines import load_engine
from smartsplat.engines.protocol import CELL_SIZE, cells_of
from smartsplat.model.view import View
from smartsplat.pictures.planes import to_planes
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.options import DEFAULT_TUNE, Options
from smartsplat.pipeline.stages import NO_SPLATS
from smartsplat.pipeline.target import Target
from smartsplat.pipeline.tune import CELL, NOISE, TUNES, Tune, cell_weights, log_variances, place_weights
from tests.lattices import photo_spectrum
from tests.photos import photo

STEP_INDEX, FINE_STEP_INDEX = 4600, 3000


def weighted(spectrum, weights, step_index=STEP_INDEX):
    return write_lattice(replace(spectrum, weights=weights), step_index)


def test_equal_weights_change_nothing():
    spectrum = photo_spectrum(97, 63)
    equal = np.full((63, 97), EQUAL_WEIGHT, np.uint8)
    assert weighted(spectrum, equal).section == write_lattice(spectrum, STEP_INDEX).section


@pytest.mark.parametrize("octaves", [-1, 1, 2])
def test_weights_of_two_halve_the_price_of_bits(octaves):
    spectrum = photo_spectrum(97, 63)
    weights = np.full((63, 97), EQUAL_WEIGHT + octaves * WEIGHTS_PER_OCTAVE, np.uint8)
    expected = write_lattice(spectrum, STEP_INDEX, LAMBDA * 2.0**-octaves)
    assert weighted(spectrum, weights).section == expected.section


def test_weights_count_at_their_places_in_all_planes():
    spectrum = photo_spectrum(128, 128)
    plain = write_lattice(spectrum, FINE_STEP_INDEX).quantised()
    weights = np.full((128, 128), EQUAL_WEIGHT, np.uint8)
    weights[64:, 64:] = 0  # the finest diagonal band: 256 times less
    quantised = weighted(spectrum, weights, FINE_STEP_INDEX).quantised()
    assert plain[:, 64:, 64:].any(axis=(1, 2)).all() and not quantised[:, 64:, 64:].any()
    assert np.count_nonzero(quantised[:, :64, :64] == plain[:, :64, :64]) > 0.99 * 3 * 64 * 64


@pytest.mark.parametrize("shape", [(63, 96), (97, 63)])
def test_weights_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match="weight"):
        weighted(photo_spectrum(97, 63), np.full(shape, EQUAL_WEIGHT, np.uint8))


def naive_log_variances(pixels):
    """Square by square, with the definition of a variance; sides are multiples of CELL."""
    luma = pixels.astype(np.float64) @ (0.299, 0.587, 0.114)
    rows, columns = luma.shape[0] // CELL, luma.shape[1] // CELL

    def near(y, x):
        return [
            (min(max(y + dy, 0), rows - 1), min(max(x + dx, 0), columns - 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)
        ]

    variance = np.zeros((rows, columns))
    for y in range(rows):
        for x in range(columns):
            cells = [luma[CELL * v : CELL * (v + 1), CELL * u : CELL * (u + 1)] for v, u in near(y, x)]
            variance[y, x] = np.var(np.concatenate(cells))
    logs = np.array([[np.log2(np.mean([variance[p] for p in near(y, x)]) + NOISE) for x in range(columns)]
                     for y in range(rows)])  # fmt: skip
    return logs - logs.mean()


def test_variances_are_those_of_the_definition(monkeypatch):
    pixels = photo(64, 48)
    expected = naive_log_variances(pixels)
    assert log_variances(to_planes(pixels)) == pytest.approx(expected, abs=1e-3)
    deep = to_planes(pixels.astype(np.uint16) * 257)
    assert log_variances(deep) == pytest.approx(expected, abs=1e-3)
    monkeypatch.setattr("smartsplat.pipeline.tune.STRIP_CELLS", 20)
    assert log_variances(to_planes(pixels)) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("spacing", [1, 2, 4, 8])
def test_a_place_has_the_mean_of_what_it_lies_over(spacing, rng):
    logs, tune = rng.normal(0, 2, (32, 16)).astype(np.float32), Tune((0.1, 0.2, 0.3), (-1, 0, 0.5))
    rows, columns = 32 * CELL // spacing, 16 * CELL // spacing
    weights = place_weights(tune, logs, (rows, columns), spacing)
    side = spacing
    while max(rows, columns) > 1:
        side, down, across = 2 * side, (rows + 1) // 2, (columns + 1) // 2
        octave = min(2, side.bit_length() - 2)
        for y in range(down):
            for x in range(across):
                top, left, count = side * y // CELL, side * x // CELL, max(1, side // CELL)
                mean = logs[top : top + count, left : left + count].mean()
                expected = round(EQUAL_WEIGHT + WEIGHTS_PER_OCTAVE * (tune.extra[octave] - tune.powers[octave] * mean))
                for v, u in ((y, x + across), (y + down, x), (y + down, x + across)):
                    if v < rows and u < columns:
                        assert abs(int(weights[v, u]) - expected) <= 1, (side, y, x)
        rows, columns = down, across


@pytest.mark.parametrize(("width", "height", "spacing"), [(1, 1, 1), (7, 1, 1), (97, 61, 2), (97, 61, 1), (5, 200, 4)])
def test_pictures_of_any_size_have_weights(width, height, spacing):
    spectrum = photo_spectrum(width, height, spacing)
    job = Job(to_planes(photo(width, height)), False, load_engine(), 1, tune=TUNES["ssim"])
    weights = job.place_weights(spectrum.coefficients.shape[1:], spacing)
    assert weights.shape == spectrum.coefficients.shape[1:]
    assert Job(job.planes, False, job.engine, 1).place_weights(weights.shape, spacing) is None


@pytest.mark.parametrize("zoom", [1.0, 0.5, 0.25, 0.125])
def test_squares_of_a_view_have_the_mean_of_what_they_lie_over(zoom, rng):
    logs, tune = rng.normal(0, 2, (64, 32)).astype(np.float32), replace(TUNES["ssim"], splats=0.4)
    view = View(round(32 * CELL * zoom), round(64 * CELL * zoom), zoom=zoom)
    count = round(CELL_SIZE / zoom) // CELL
    means = logs.reshape(64 // count, count, 32 // count, count).mean(axis=(1, 3))
    assert cell_weights(tune, logs, view) == pytest.approx(np.exp2(-0.4 * means), rel=1e-4)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (7, 1), (97, 61), (5, 200)])
@pytest.mark.parametrize("zoom", [1.0, 0.7, 0.31])
def test_pictures_of_any_size_have_weights_for_splats(width, height, zoom):
    job = Job(to_planes(photo(width, height)), False, load_engine(), 1, tune=TUNES["ssim"])
    view = View(max(1, round(width * zoom)), max(1, round(height * zoom)), zoom=zoom)
    weights = cell_weights(TUNES["ssim"], job.log_variances, view)
    assert weights.shape == cells_of(view) and np.isfinite(weights).all() and (weights > 0).all()
    assert job.tuned_canvas().weights.shape == cells_of(job.canvas().view) and job.canvas().weights is None
    assert replace(job, tune=None).tuned_canvas().weights is None


def test_the_cost_is_the_weighted_error_of_the_picture():
    planes = to_planes(photo(52, 43))
    job = Job(planes, False, load_engine(), 1, tune=TUNES["ssim"])
    frame = job.canvas().place(NO_SPLATS)
    weights = np.kron(job.tuned_canvas().weights, np.ones((CELL_SIZE, CELL_SIZE)))[:43, :52]
    assert job.cost_of(frame) == pytest.approx(float((weights * planes.astype(float) ** 2).sum()), rel=1e-5)
    plain = replace(job, tune=None).cost_of(frame)
    assert plain == pytest.approx(float((planes.astype(float) ** 2).sum()), rel=1e-5)


def test_splats_are_fitted_for_the_tune():
    """Splats alone: less PSNR, more similarity; the default is what has the most PSNR."""
    pixels = photo(256, 176)
    files = {tune: smartsplat.encode(pixels, cr=60, effort=2, lattice="none", tune=tune) for tune in (None, *TUNES)}
    assert files[None].to_bytes() == files["psnr"].to_bytes()
    assert [files[tune].report.tune for tune in TUNES] == ["psnr", "balanced", "ssim"]
    similar = {tune: metrics.ms_ssim(pixels, smartsplat.decode(file.to_bytes())) for tune, file in files.items()}
    assert similar["ssim"] > similar["psnr"] and files["ssim"].report.psnr < files["psnr"].report.psnr + 0.1


@pytest.fixture(scope="module")
def files():
    """Of a cut of the photo that is as large as MS-SSIM needs, by tune, with PSNR and MS-SSIM."""
    pixels = photo(256, 176)
    made = {}
    for tune in TUNES:
        file = smartsplat.encode(pixels, cr=40, effort=1, tune=tune)
        shown = smartsplat.decode(file.to_bytes())
        made[tune] = file, metrics.psnr(pixels, shown), metrics.ms_ssim(pixels, shown)
    return made


def test_tunes_give_and_take(files):
    (_, psnr, ms_ssim), balanced, tuned = files["psnr"], files["balanced"], files["ssim"]
    assert psnr - 0.2 < balanced[1] < psnr + 0.05 and tuned[1] < balanced[1]
    assert ms_ssim < balanced[2] < tuned[2]
    assert [files[tune][0].report.tune for tune in TUNES] == ["psnr", "balanced", "ssim"]


def test_balanced_is_the_default_unless_a_psnr_is_asked_for(files):
    assert DEFAULT_TUNE == "balanced"
    default = smartsplat.encode(photo(256, 176), cr=40, effort=1)
    assert default.to_bytes() == files["balanced"][0].to_bytes()
    assert Options(Target(psnr=30)).chosen_tune == "psnr"
    assert Options(Target(psnr=30), tune="ssim").chosen_tune == "ssim"
    assert Options(Target(cr=30)).chosen_tune == "balanced"
    assert Options(Target(cr=30), lattice="none").chosen_tune == "psnr"


def test_close_to_exact_files_do_not_depend_on_it():
    pixels = photo(64, 48)
    files = {smartsplat.encode(pixels, bpp=12, effort=1, tune=tune).to_bytes() for tune in TUNES}
    assert len(files) == 1


def test_the_command_line_and_pillow_take_it(tmp_path, files):
    parser = argparse.ArgumentParser()
    add_coding(parser)
    for tune in TUNES:
        assert parser.parse_args(["--tune", tune]).tune == tune
    Image.fromarray(photo(256, 176)).save(tmp_path / "a.ssplat", cr=40, effort=1, tune="ssim")
    assert (tmp_path / "a.ssplat").read_bytes() == files["ssim"][0].to_bytes()
