"""The section of the lattice: what is encoded is what is decoded, and no bytes do harm."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartsplat import _native
from smartsplat.coding.format import GREATEST_SPACING_LOG, LATTICE_STEPS, lattice_step
from smartsplat.coding.lattice_section import read_lattice, write_lattice
from smartsplat.errors import FormatError
from smartsplat.model.lattice import lattice_shape
from tests.codes import repeatable
from tests.lattices import photo_coefficients, photo_lattice, photo_spectrum
from tests.oracles.lattice_stream import decode_section, node_values, strips_of
from tests.oracles.numbers import write_number

GREATEST = 1 << 19  # of a coefficient, in steps
SHAPES = [(1, 1), (1, 2), (2, 1), (1, 37), (37, 1), (1, 300), (300, 1), (3, 3), (8, 8), (9, 9), (8, 9), (16, 17)]
SHAPES += [(5, 64), (33, 12), (31, 47), (70, 65)]


def make_coefficients(seed, planes, rows, columns, reach, share):
    """Coefficients of any size up to `reach`, as many small as large ones; the others are below a half."""
    rng = np.random.default_rng(seed)
    shape = planes, rows, columns
    large = np.exp(rng.uniform(0, np.log(reach + 1), shape)) - 1
    size = np.where(rng.random(shape) < share, large, rng.random(shape) / 2)
    return (size * rng.choice([-1, 1], shape)).astype(np.float32)


@st.composite
def arrays(draw, shapes=tuple(SHAPES)):
    rows, columns = draw(st.sampled_from(shapes))
    reach = draw(st.sampled_from([0, 1, 3, 100, GREATEST]))
    share = draw(st.sampled_from([0.0, 0.02, 0.3, 1.0]))
    return make_coefficients(
        draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from([1, 3])), rows, columns, reach, share
    )


def decode(streams, shape):
    return _native.decode_coefficients(streams, *shape)


def size_of(streams):
    return sum(len(stream) for stream in streams)


def section_of(streams, step_index=4372):
    """Of a lattice with the spacing 1."""
    lengths = b"".join(write_number(len(stream)) for stream in streams[:-1])
    return write_number(0) + step_index.to_bytes(2, "little") + lengths + b"".join(streams)


def assert_oracle_agrees(streams, quantised):
    planes, rows, columns = quantised.shape
    coded = decode_section(section_of(streams), columns, rows, grey=planes == 1)
    np.testing.assert_array_equal(coded.values, quantised)


# The streams


@repeatable
@given(arrays(), st.sampled_from([0, 0.11, 2]))
def test_decodes_what_the_encoder_says(coefficients, price):
    streams, quantised = _native.encode_coefficients(coefficients, 1.0, price)
    np.testing.assert_array_equal(decode(streams, coefficients.shape), quantised)


@repeatable
@given(arrays())
def test_integers_without_a_price_come_back(coefficients):
    whole = np.rint(coefficients)
    streams, quantised = _native.encode_coefficients(whole, 1.0, 0)
    np.testing.assert_array_equal(quantised, whole)
    np.testing.assert_array_equal(decode(streams, whole.shape), whole)


@repeatable
@given(arrays())
def test_without_a_price_every_coefficient_becomes_the_nearest_integer(coefficients):
    quantised = _native.encode_coefficients(coefficients, 1.0, 0)[1]
    assert np.abs(quantised - coefficients.astype(np.float64)).max() < 0.5 + 1e-4


@settings(repeatable, max_examples=40)
@given(arrays(SHAPES[:-2]), st.sampled_from([0, 0.11]))
def test_the_plain_decoder_agrees(coefficients, price):
    assert_oracle_agrees(*_native.encode_coefficients(coefficients, 1.0, price))


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("size", [(96, 64), (131, 77), (17, 200)])
def test_the_plain_decoder_agrees_on_a_photo(size, grey):
    streams, quantised = _native.encode_coefficients(photo_coefficients(*size, grey=grey), 1.0, 0.11)
    assert np.count_nonzero(quantised) > 100
    assert_oracle_agrees(streams, quantised)


def test_zeros_cost_next_to_nothing():
    streams, quantised = _native.encode_coefficients(np.zeros((3, 300, 400), np.float32), 1.0, 0.11)
    assert not quantised.any()
    assert size_of(streams) < 80
    assert not decode(streams, quantised.shape).any()


def test_what_is_too_large_becomes_the_greatest():
    for sign in (1, -1):
        coefficients = np.full((3, 20, 20), sign * 1e9, np.float32)
        streams, quantised = _native.encode_coefficients(coefficients, 1.0, 0.11)
        assert (quantised == sign * GREATEST).all()
        np.testing.assert_array_equal(decode(streams, coefficients.shape), quantised)


def test_a_higher_price_never_gives_more_bytes_nor_less_error():
    coefficients = photo_coefficients(200, 150)
    sizes, errors = [], []
    for price in (0, 0.02, 0.05, 0.11, 0.25, 0.6, 2):
        streams, quantised = _native.encode_coefficients(coefficients, 1.0, price)
        sizes.append(size_of(streams))
        errors.append(((coefficients - quantised) ** 2).sum())
    assert sizes == sorted(sizes, reverse=True)
    assert errors == sorted(errors)
    assert sizes[-1] < sizes[0] / 1.5


def test_a_price_saves_more_than_it_costs():
    """Squared error plus price times bits is less with the choice than with nearest integers."""
    coefficients = photo_coefficients(200, 150)

    def cost(price):
        streams, quantised = _native.encode_coefficients(coefficients, 1.0, price)
        return ((coefficients - quantised) ** 2).sum() + 0.11 * 8 * size_of(streams)

    assert cost(0.11) < cost(0)


def test_coefficients_alike_in_all_planes_and_levels_cost_less_than_scattered_ones(rng):
    coefficients = photo_coefficients(200, 150)
    scattered = rng.permutation(coefficients.reshape(3, -1), axis=1).reshape(coefficients.shape)
    together, apart = (size_of(_native.encode_coefficients(c, 1.0, 0.11)[0]) for c in (coefficients, scattered))
    assert together < 0.7 * apart


# Strips


@pytest.fixture(params=[(1, 1024, 1025), (1, 1, 1 << 20), (1, 1 << 20, 1), (1, 1, 1 << 21)], ids=str)
def many_strips(request):
    """A few busy patches in a large lattice."""
    rng = np.random.default_rng(7)
    coefficients = np.zeros(request.param, np.float32)
    for _ in range(40):
        y, x = (int(rng.integers(0, side)) for side in request.param[1:])
        patch = coefficients[:, y : y + 9, x : x + 30]
        patch[:] = rng.normal(0, 3, patch.shape)
    return coefficients


def test_large_lattices_have_several_strips_that_come_back(many_strips):
    streams, quantised = _native.encode_coefficients(many_strips, 1.0, 0.11)
    assert len(streams) == strips_of(*many_strips.shape[1:]) == _native.lattice_strips(*many_strips.shape[1:]) >= 2
    assert np.count_nonzero(quantised) > 200
    np.testing.assert_array_equal(decode(streams, quantised.shape), quantised)


def test_strips_do_not_depend_on_the_number_of_threads(many_strips):
    results = []
    for threads in (1, 2):
        streams, quantised = _native.encode_coefficients(many_strips, 1.0, 0.11, threads)
        decoded = _native.decode_coefficients(streams, *quantised.shape, threads)
        results.append((streams, quantised.tobytes(), decoded.tobytes()))
    assert results[0] == results[1]


def test_the_plain_decoder_agrees_on_strips():
    coefficients = np.zeros((3, 1024, 1024), np.float32)
    coefficients[:, 400:600, 500:520] = photo_coefficients(20, 200)  # across the border of the strips
    coefficients[:, 1000:1020, 100:110] = photo_coefficients(10, 20)
    streams, quantised = _native.encode_coefficients(coefficients, 1.0, 0.11)
    assert len(streams) == 2
    assert_oracle_agrees(streams, quantised)


@pytest.mark.parametrize(
    ("rows", "columns", "strips"),
    [
        (1, 1, 1),
        (1023, 1025, 1),
        (1024, 1024, 2),
        (1 << 12, 1 << 12, 32),
        (1 << 13, 1 << 13, 64),
        (1 << 22, 1 << 22, 64),
    ],
)
def test_the_number_of_strips_follows_from_the_size(rows, columns, strips):
    assert _native.lattice_strips(rows, columns) == strips_of(rows, columns) == strips


def test_another_number_of_streams_is_refused():
    streams, quantised = _native.encode_coefficients(photo_coefficients(20, 20), 1.0, 0.11)
    for wrong in ([], streams * 2):
        with pytest.raises(ValueError, match="stream"):
            decode(wrong, quantised.shape)


# The section


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (96, 64), (37, 81)])
@pytest.mark.parametrize("spacing", [1, 2, 8, 1024])
def test_sections_come_back_as_the_encoder_says_and_as_the_plain_decoder_reads_them(size, spacing, grey):
    written = write_lattice(photo_spectrum(*size, spacing, grey=grey), 4272)
    section, lattice = written.section, written.decoded()
    decoded = read_lattice(section, *size, grey=grey)
    assert decoded.spacing == lattice.spacing == spacing
    np.testing.assert_array_equal(decoded.values, lattice.values)
    coded = decode_section(section, *size, grey=grey)
    assert coded.spacing == spacing
    np.testing.assert_allclose(decoded.values, node_values(coded), atol=1e-5)


@pytest.mark.parametrize("step_index", [2600, 2816, 3327, 4772, LATTICE_STEPS - 1])
def test_the_knob_sets_the_step(step_index):
    spectrum = photo_spectrum(40, 30)
    written = write_lattice(spectrum, step_index, lambda_=0)
    coded = decode_section(written.section, 40, 30, grey=False)
    assert coded.step == pytest.approx(lattice_step(step_index), rel=1e-12)
    inside = np.abs(spectrum.coefficients) < (GREATEST - 1) * coded.step
    error = np.abs(coded.values * coded.step - spectrum.coefficients)
    assert (error[inside] <= 0.501 * coded.step).all()
    assert inside.mean() > 0.9
    np.testing.assert_allclose(written.decoded().values, node_values(coded), atol=2e-4)


def test_finer_steps_give_more_bytes_and_less_error():
    spectrum, values, sizes, errors = photo_spectrum(96, 64), photo_lattice(96, 64).values, [], []
    for step_index in range(3872, 5272, 200):
        coded = write_lattice(spectrum, step_index)
        sizes.append(len(coded.section))
        errors.append(((coded.decoded().values - values) ** 2).sum())
    assert sizes == sorted(sizes, reverse=True)
    assert errors == sorted(errors)
    assert errors[0] < 0.05 * errors[-1]


def test_a_grey_lattice_is_grey():
    lattice = write_lattice(photo_spectrum(30, 20, grey=True), 4372).decoded()
    assert np.ptp(lattice.values, axis=0).max() < 1e-6
    assert lattice.values.std() > 0.01


# Bytes that no encoder wrote


def read_or_refuse(section, width, height, grey=False):
    try:
        lattice = read_lattice(section, width, height, grey=grey)
    except FormatError as error:
        assert "\n" not in str(error)
        return None
    assert lattice.values.shape == (3, *lattice_shape(width, height, lattice.spacing))
    assert np.isfinite(lattice.values).all()
    return lattice


@pytest.fixture(scope="module")
def small_section():
    return write_lattice(photo_spectrum(26, 19), 4422).section


def test_truncated_sections_are_refused_or_another_lattice(small_section):
    whole = read_lattice(small_section, 26, 19, grey=False)
    for length in range(len(small_section)):
        shorter = read_or_refuse(small_section[:length], 26, 19)
        assert shorter is None or not np.array_equal(shorter.values, whole.values)
    for length in range(len(small_section) // 2):
        assert read_or_refuse(small_section[:length], 26, 19) is None


def test_every_change_of_a_byte_does_no_harm(small_section):
    assert 40 < len(small_section) < 120
    refused = 0
    for at in range(len(small_section)):
        for change in range(1, 256):
            damaged = bytearray(small_section)
            damaged[at] ^= change
            refused += read_or_refuse(bytes(damaged), 26, 19) is None
    assert refused > 100


@repeatable
@given(st.binary(max_size=200), st.sampled_from([1, 2, 9, 37, 300]), st.sampled_from([1, 8, 50, 301]), st.booleans())
def test_random_streams_are_refused_or_decode_as_the_plain_decoder_does(stream, width, height, grey):
    section = b"\x02\x00\x11" + stream  # spacing 4
    if read_or_refuse(section, width, height, grey) is None:
        with pytest.raises(FormatError):
            decode_section(section, width, height, grey=grey)
    else:
        values = decode_section(section, width, height, grey=grey).values
        planes, rows, columns = values.shape
        np.testing.assert_array_equal(decode([stream], (planes, rows, columns)), values)


@repeatable
@given(st.binary(max_size=80), st.sampled_from([1, 37, 1000]), st.sampled_from([1, 50, 1000]), st.booleans())
def test_random_sections_do_no_harm(section, width, height, grey):
    read_or_refuse(section, width, height, grey)


@pytest.mark.parametrize("byte", [0, 1, 0x55, 0x7F, 0x80, 0xAA, 0xFE, 0xFF])
@pytest.mark.parametrize("length", [0, 1, 4, 5, 1000])
def test_monotonous_streams_do_no_harm(byte, length):
    for width, height in ((1, 1), (64, 64), (300, 1)):
        for head in (b"\x00\x00\x05", b"\x03\xff\x0f"):
            read_or_refuse(head + bytes([byte]) * length, width, height)


@pytest.mark.parametrize("spacing_log", [GREATEST_SPACING_LOG + 1, 63, 1 << 20, 1 << 40])
def test_other_spacings_are_refused(spacing_log):
    with pytest.raises(FormatError, match="spacing"):
        read_lattice(write_number(spacing_log) + b"\x00\x05" + bytes(50), 26, 19, grey=False)


@pytest.mark.parametrize("step_index", [LATTICE_STEPS, LATTICE_STEPS + 1, 0xFFFF])
def test_other_knobs_are_refused(step_index):
    with pytest.raises(FormatError, match=str(step_index)):
        read_lattice(b"\x00" + step_index.to_bytes(2, "little") + bytes(50), 26, 19, grey=False)


@pytest.mark.parametrize("size", [(1 << 22, 1 << 22), (1 << 22, 40), (20_000, 10_000)])
@pytest.mark.parametrize("spacing_log", [0, 1])
def test_a_section_that_claims_more_nodes_than_its_bytes_can_hold_is_refused_at_once(small_section, size, spacing_log):
    section = bytes([spacing_log]) + small_section[1:30]
    start = time.perf_counter()
    with pytest.raises(FormatError, match="nodes"):
        read_lattice(section, *size, grey=False)
    assert time.perf_counter() - start < 0.1


def test_a_stream_that_ends_long_before_its_coefficients_is_refused_soon(rng):
    """What follows the end reads as large numbers without end; all of them take 0.05 to 0.5 s."""
    coefficients = rng.laplace(0, 30, (3, 256, 1024)).astype(np.float32)
    stream = _native.encode_coefficients(coefficients, 1.0, 0.1)[0][0]
    section = b"\x00\x00\x14" + stream[:3000]
    seconds = []
    for _ in range(5):
        start = time.process_time()
        with pytest.raises(FormatError, match="too early"):
            read_lattice(section, 1024, 1023, grey=False, threads=1)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.02


@pytest.mark.parametrize("length", [1 << 20, 1 << 40])
def test_lengths_beyond_the_section_are_refused(length):
    section = b"\x00\x00\x05" + write_number(length) + bytes(20)
    with pytest.raises(FormatError):
        read_lattice(section, 1024, 1024, grey=True)
