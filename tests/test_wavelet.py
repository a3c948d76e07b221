"""The wavelet transform of the lattice: the oracle's inverse undoes it; coefficients in units of what they make."""

import numpy as np
import pytest

import smartsplat
from smartsplat import _native
from smartsplat.coding.lattice_section import Spectrum
from smartsplat.engines import load_engine
from smartsplat.fitting.lattice import solve_lattice
from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from tests.lattices import photo_lattice, random_lattice
from tests.oracles.lattice_stream import BASIS, halved, inverse_wavelet, levels_of, sharpened
from tests.photos import photo

SHAPES = [(1, 1), (1, 2), (2, 1), (1, 9), (9, 1), (1, 1000), (777, 1), (2, 2), (8, 8), (9, 9), (9, 2), (10, 17)]
SHAPES += [(3, 40), (40, 3), (4, 40), (5, 3000), (31, 64), (63, 129), (200, 7), (128, 128), (255, 257)]


def wavelet(planes, spacing=2):
    """A transformed copy."""
    planes = planes.copy()
    _native.wavelet(planes, spacing)
    return planes


def inverse(planes, spacing=2):
    """By the oracle."""
    return np.stack([inverse_wavelet(plane.astype(np.float64), spacing) for plane in planes]).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("planes", [1, 3])
@pytest.mark.parametrize("spacing", [1, 2, 8])
def test_the_inverse_undoes_the_transform(rng, shape, planes, spacing):
    values = rng.normal(0, 1, (planes, *shape)).astype(np.float32)
    np.testing.assert_allclose(inverse(wavelet(values, spacing), spacing), values, atol=1e-4)
    np.testing.assert_allclose(wavelet(inverse(values, spacing), spacing), values, atol=1e-4)


def test_planes_do_not_mix(rng):
    values = rng.normal(0, 1, (3, 20, 30)).astype(np.float32)
    together = wavelet(values)
    for plane in range(3):
        np.testing.assert_array_equal(together[plane], wavelet(values[plane : plane + 1])[0])


@pytest.mark.parametrize(
    "planes", [np.zeros((3, 4, 5)), np.zeros((3, 4, 10), np.float32)[:, :, ::2]], ids=["f8", "strided"]
)
def test_planes_that_cannot_be_changed_in_place_are_refused(planes):
    with pytest.raises(TypeError):
        _native.wavelet(planes, 1)


@pytest.mark.parametrize("shape", [(64, 64), (61, 90), (1, 100), (100, 1)], ids=str)
def test_a_constant_has_no_high_coefficients(shape):
    nodes = sharpened(sharpened(np.ones(shape), 2).T, 2).T.astype(np.float32)
    coefficients = wavelet(nodes[None])[0]
    levels = levels_of(*shape)
    rows, columns = (halved(side, levels) for side in shape)
    low = coefficients[:rows, :columns]
    assert np.abs(low).min() > 1
    rest = coefficients.copy()
    rest[:rows, :columns] = 0
    assert np.abs(rest).max() < 1e-4 * low.max()


@pytest.mark.parametrize("spacing", [1, 2])
def test_a_constant_picture_needs_hardly_more_than_its_lowest_band(spacing):
    engine = load_engine("cpu")
    frame = engine.canvas(View(96, 64)).place(Splats(np.zeros((0, 8), np.float32)))
    solved = solve_lattice(frame, np.full((3, 64, 96), 128, np.uint8), spacing)
    coefficients = Spectrum.of(solved, grey=True).coefficients[0]
    levels = levels_of(*coefficients.shape)
    low = coefficients[: halved(coefficients.shape[0], levels), : halved(coefficients.shape[1], levels)]
    assert np.square(low).sum() > 0.9993 * np.square(coefficients).sum()


def test_a_photo_s_energy_gathers_in_few_coefficients():
    squares = np.sort(Spectrum.of(photo_lattice(256, 200), grey=True).coefficients.ravel() ** 2)[::-1]
    assert squares[: squares.size // 20].sum() > 0.99 * squares.sum()


# Lattices


@pytest.mark.parametrize("spacing", [1, 4])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_spectrum_of_a_lattice_leaves_it_as_it_is(rng, spacing, order):
    lattice = random_lattice(rng, 40, 28, spacing)
    values = np.asarray(lattice.values, order=order)
    for frozen in (False, True):
        given = Lattice(40, 28, spacing, values.copy(order=order))
        given.values.flags.writeable = not frozen
        for grey in (False, True):
            spectrum = Spectrum.of(given, grey=grey)
            np.testing.assert_array_equal(given.values, values)
            assert not np.shares_memory(spectrum.coefficients, given.values)
            assert spectrum.coefficients.shape == (1 if grey else 3, *values.shape[1:])
            np.testing.assert_array_equal(spectrum.coefficients, Spectrum.of(lattice, grey=grey).coefficients)


def test_the_spectrum_of_a_file_s_lattice_leaves_the_file_as_it_is():
    file = smartsplat.encode(photo(64, 48), size=2500, effort=1)
    assert file.lattice is not None
    values, picture = file.lattice.values.copy(), file.render()
    Spectrum.of(file.lattice, grey=False)
    np.testing.assert_array_equal(file.lattice.values, values)
    np.testing.assert_array_equal(file.render(), picture)
    again = smartsplat.open(file.to_bytes()).lattice
    np.testing.assert_array_equal(again.values, values)


@pytest.mark.parametrize("spacing", [1, 2, 8])
def test_a_spectrum_holds_all_of_its_lattice(rng, spacing):
    lattice = random_lattice(rng, 64, 48, spacing)
    found = lattice_of(Spectrum.of(lattice, grey=False).coefficients, spacing)
    np.testing.assert_allclose(found.values, lattice.values, atol=1e-5)


def test_the_spectrum_of_a_grey_lattice_is_that_of_its_luma(rng):
    lattice = random_lattice(rng, 64, 48, 2)
    luma = Lattice(64, 48, 2, np.repeat(lattice.values.mean(axis=0, keepdims=True), 3, axis=0))
    grey, of_luma = Spectrum.of(lattice, grey=True), Spectrum.of(luma, grey=False)
    np.testing.assert_allclose(grey.coefficients[0], of_luma.coefficients[0], atol=1e-5)
    np.testing.assert_allclose(of_luma.coefficients[1:], 0, atol=1e-5)


# Norms


def band(rows, columns, level, high_y, high_x):
    """Where a band lies in a plane: its first row and column, and their counts."""
    begins = [halved(side, level) if high else 0 for side, high in ((rows, high_y), (columns, high_x))]
    ends = [halved(side, level - (1 if high else 0)) for side, high in ((rows, high_y), (columns, high_x))]
    return *begins, ends[0] - begins[0], ends[1] - begins[1]


def energy_of(lattice):
    """Of the picture that a lattice makes alone."""
    canvas = load_engine("cpu").canvas(View(lattice.width, lattice.height), lattice)
    frame = canvas.place(Splats(np.zeros((0, 8), np.float32)))
    return float((frame.render().astype(np.float64) ** 2).sum())


def lattice_of(coefficients, spacing):
    """The lattice of coefficients of three planes; its sides are whole spacings."""
    _, rows, columns = coefficients.shape
    values = np.einsum("pc,pyx->cyx", BASIS / spacing, inverse(coefficients, spacing)).astype(np.float32)
    return Lattice(columns * spacing, rows * spacing, spacing, values)


def rendered_energy(plane, rows, columns, y, x, spacing):
    """Of the change of the picture by a change of 1 of one coefficient."""
    coefficients = np.zeros((3, rows, columns), np.float32)
    coefficients[plane, y, x] = 1
    return energy_of(lattice_of(coefficients, spacing))


@pytest.mark.parametrize("spacing", [1, 2, 4])
@pytest.mark.parametrize(("high_y", "high_x"), [(False, True), (True, False), (True, True)])
@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_change_of_one_coefficient_has_its_own_energy_in_the_picture(rng, level, high_y, high_x, spacing):
    rows, columns = 150, 163
    top, left, height, width = band(rows, columns, level, high_y, high_x)
    for plane in range(3):
        # Not near the border, which mirrors what comes close, and cuts it off.
        y, x = (
            begin + int(rng.integers(side // 3, side - side // 3)) for begin, side in ((top, height), (left, width))
        )
        assert rendered_energy(plane, rows, columns, y, x, spacing) == pytest.approx(1, abs=0.15)


def test_the_lowest_band_has_its_own_energy_in_the_picture():
    rows, columns = 150, 163
    levels = levels_of(rows, columns)
    assert halved(columns, levels) == 6
    assert rendered_energy(0, rows, columns, 3, 3, 2) == pytest.approx(1, abs=0.15)


def test_quantising_costs_what_the_step_says(rng):
    """Independent errors of all coefficients add up in the picture, nearly as they are."""
    step = 0.3
    errors = rng.uniform(-step / 2, step / 2, (3, 120, 110)).astype(np.float32)
    assert energy_of(lattice_of(errors, 2)) == pytest.approx(errors.size * step**2 / 12, rel=0.15)
