"""The section of the lattice: what is encoded is what is decoded, and no bytes do harm."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartsplat import _native
from smartsplat.coding.format import GREATEST_SPACING_LOG, LATTICE_STEPS, lattice_step
from smartsplat.coding.lattice_section import read_lattice, write_lattice
from smartsplat.errors import FormatError, LimitError
from smartsplat.model.lattice import lattice_shape
from tests.codes import repeatable
from tests.lattices import photo_coefficients, photo_lattice, photo_spectrum
from tests.oracles.file import Part, pack_lattice
from tests.oracles.lattice_stream import NEXT_STATE, decode_section, node_values
from tests.oracles.numbers import write_number
from tests.oracles.tiers import coarse_to_fine, lattice_logs

GREATEST = 1 << 20  # of a coefficient, in steps
WHOLE = 22  # log2 of the side of a square in which all of these fit
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


def decode(streams, shape, square_log=WHOLE):
    return _native.decode_coefficients(streams, *shape, square_log)


def size_of(streams):
    return sum(len(stream) for stream in streams)


def section_of(streams, step_index=4372, square_log=WHOLE):
    """Of a lattice with the spacing 1."""
    return pack_lattice(Part(step_index, list(streams)), square_log)


def assert_oracle_agrees(streams, quantised, square_log=WHOLE):
    planes, rows, columns = quantised.shape
    coded = decode_section(section_of(streams, square_log=square_log), columns, rows, grey=planes == 1)
    np.testing.assert_array_equal(coded.values, quantised)


# The streams


@repeatable
@given(arrays(), st.sampled_from([0, 0.29, 2]))
def test_decodes_what_the_encoder_says(coefficients, price):
    streams, quantised = _native.encode_coefficients(coefficients, 1.0, price)
    np.testing.assert_array_equal(decode(streams, coefficients.shape), quantised)


@repeatable
@given(arrays(), st.sampled_from([0, 0.29]))
def test_what_was_decoded_comes_back_without_a_price(coefficients, price):
    decoded = _native.encode_coefficients(coefficients, 1.0, price)[1]
    streams, quantised = _native.encode_coefficients(decoded.astype(np.float32), 1.0, 0)
    np.testing.assert_array_equal(quantised, decoded)
    np.testing.assert_array_equal(decode(streams, decoded.shape), decoded)


@repeatable
@given(arrays())
def test_without_a_price_every_coefficient_becomes_one_of_the_next_in_its_quantiser(coefficients):
    quantised = _native.encode_coefficients(coefficients, 1.0, 0)[1]
    assert np.abs(quantised - coefficients.astype(np.float64)).max() < 2 + 1e-4


def test_without_a_price_errors_are_those_of_less_than_a_quantiser_of_twice_the_step(rng):
    """Each of the two has steps of 2, which alone would leave 4 / 12; eight states gain a decibel."""
    coefficients = rng.uniform(-100, 100, (1, 256, 256)).astype(np.float32)
    quantised = _native.encode_coefficients(coefficients, 1.0, 0)[1]
    assert 0.24 < ((quantised - coefficients) ** 2).mean() < 0.28


def least_error(values):
    """Squared error of the best path through the first coefficients of a band."""
    states = {0: 0.0}
    for value in values:
        following = {}
        for state, cost in states.items():
            for code in range(-20, 21):
                multiple = 2 * code - (state % 2) * int(np.sign(code))
                total = cost + (value - multiple) ** 2
                after = NEXT_STATE[state][code % 2]
                following[after] = min(following.get(after, np.inf), total)
        states = following
    return min(states.values())


def test_without_a_price_no_path_is_better(rng):
    """Of the one HL block of a lattice of 16 x 16, whose other coefficients are zero."""
    for _ in range(20):
        coefficients = np.zeros((1, 16, 16), np.float32)
        coefficients[0, :8, 8:] = rng.uniform(-9, 9, (8, 8))
        quantised = _native.encode_coefficients(coefficients, 1.0, 0)[1]
        error = ((quantised[0, :8, 8:] - coefficients[0, :8, 8:].astype(np.float64)) ** 2).sum()
        assert error == pytest.approx(least_error(coefficients[0, :8, 8:].ravel()), rel=1e-5)


@settings(repeatable, max_examples=40)
@given(arrays(SHAPES[:-2]), st.sampled_from([0, 0.29]))
def test_the_plain_decoder_agrees(coefficients, price):
    assert_oracle_agrees(*_native.encode_coefficients(coefficients, 1.0, price))


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("size", [(96, 64), (131, 77), (17, 200)])
def test_the_plain_decoder_agrees_on_a_photo(size, grey):
    streams, quantised = _native.encode_coefficients(photo_coefficients(*size, grey=grey), 1.0, 0.29)
    assert np.count_nonzero(quantised) > 100
    assert_oracle_agrees(streams, quantised)


def test_zeros_cost_nothing():
    streams, quantised = _native.encode_coefficients(np.zeros((3, 300, 400), np.float32), 1.0, 0.29)
    assert not quantised.any()
    assert size_of(streams) == 0
    assert not decode(streams, quantised.shape).any()


def test_what_is_too_large_becomes_the_greatest():
    for sign in (1, -1):
        coefficients = np.full((3, 20, 20), sign * 1e9, np.float32)
        streams, quantised = _native.encode_coefficients(coefficients, 1.0, 0.29)
        assert (sign * quantised >= GREATEST - 3).all() and (sign * quantised <= GREATEST).all()
        np.testing.assert_array_equal(decode(streams, coefficients.shape), quantised)


def test_a_higher_price_never_gives_more_bytes_nor_less_error():
    coefficients = photo_coefficients(200, 150)
    sizes, errors = [], []
    for price in (0, 0.05, 0.12, 0.29, 0.6, 1.5, 5):
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
        return ((coefficients - quantised) ** 2).sum() + 0.29 * 8 * size_of(streams)

    assert cost(0.29) < cost(0)


def test_coefficients_alike_in_all_planes_and_levels_cost_less_than_scattered_ones(rng):
    coefficients = photo_coefficients(200, 150)
    scattered = rng.permutation(coefficients.reshape(3, -1), axis=1).reshape(coefficients.shape)
    together, apart = (size_of(_native.encode_coefficients(c, 1.0, 0.29)[0]) for c in (coefficients, scattered))
    assert together < 0.7 * apart


# Chunks


@pytest.fixture(params=[(1, 1024, 1025), (3, 200, 300), (1, 1, 1 << 20), (1, 1 << 20, 1)], ids=str)
def patches(request):
    """A few busy patches in a large lattice."""
    rng = np.random.default_rng(7)
    coefficients = np.zeros(request.param, np.float32)
    for _ in range(40):
        y, x = (int(rng.integers(0, side)) for side in request.param[1:])
        patch = coefficients[:, y : y + 9, x : x + 30]
        patch[:] = rng.normal(0, 3, patch.shape)
    return coefficients


@pytest.mark.parametrize("square_log", [5, 6, 9])
def test_chunks_come_back(patches, square_log):
    streams, quantised = _native.encode_coefficients(patches, 1.0, 0.29, square_log)
    _, rows, columns = patches.shape
    squares = list(coarse_to_fine(columns, rows, lattice_logs(columns, rows, square_log, 0)))
    assert len(streams) == len(squares)
    assert np.count_nonzero(quantised) > 100
    np.testing.assert_array_equal(decode(streams, quantised.shape, square_log), quantised)


def test_chunks_do_not_depend_on_the_number_of_threads(patches):
    results = []
    for threads in (1, 2):
        streams, quantised = _native.encode_coefficients(patches, 1.0, 0.29, 7, threads)
        decoded = _native.decode_coefficients(streams, *quantised.shape, 7, threads)
        results.append((streams, quantised.tobytes(), decoded.tobytes()))
    assert results[0] == results[1]


@settings(repeatable, max_examples=30)
@given(arrays((*SHAPES, (64, 65), (129, 70))), st.sampled_from([5, 6]))
def test_the_plain_decoder_agrees_on_chunks(coefficients, square_log):
    assert_oracle_agrees(*_native.encode_coefficients(coefficients, 1.0, 0.29, square_log), square_log)


def test_a_chunk_depends_on_those_above_its_place_alone():
    """Without the others its coefficients are the same: that is what lets a part of a picture be decoded."""
    coefficients = photo_coefficients(300, 200, 3000)
    streams, quantised = _native.encode_coefficients(coefficients, 1.0, 0.29, 5)
    squares = list(coarse_to_fine(300, 200, lattice_logs(300, 200, 5, 0)))
    diagonal = quantised[:, 100:, 150:]  # of level 1
    wanted = max(
        (s for s in squares if s.tier == 0),
        key=lambda s: np.count_nonzero(diagonal[:, 16 * s.row :, 16 * s.column :][:, :16, :16]),
    )
    part = slice(16 * wanted.row, 16 * wanted.row + 16), slice(16 * wanted.column, 16 * wanted.column + 16)

    def holds(square):
        shift = square.log - wanted.log
        return (square.row, square.column) == (wanted.row >> shift, wanted.column >> shift)

    few = [stream if holds(square) else b"" for stream, square in zip(streams, squares, strict=True)]
    assert 2 < sum(map(bool, few)) < len(few) / 4
    decoded = decode(few, quantised.shape, 5)[:, 100:, 150:]
    assert np.count_nonzero(diagonal[:, *part]) > 20
    np.testing.assert_array_equal(decoded[:, *part], diagonal[:, *part])


def test_another_number_of_streams_is_refused():
    streams, quantised = _native.encode_coefficients(photo_coefficients(20, 20), 1.0, 0.29)
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
    inside = np.abs(spectrum.coefficients) < (GREATEST - 3) * coded.step
    error = np.abs(coded.values * coded.step - spectrum.coefficients)[inside]
    assert (error <= 2.001 * coded.step).all()
    assert (error**2).mean() <= 0.34 * coded.step**2
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
    assert 40 < len(small_section) < 130
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
    section = pack_lattice(Part(0x1100, [stream], spacing_log=2), WHOLE)
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
        for step_index, spacing_log in ((0x500, 0), (0xFFF, 3)):
            part = Part(step_index, [bytes([byte]) * length], spacing_log=spacing_log)
            read_or_refuse(pack_lattice(part, WHOLE), width, height)


@pytest.mark.parametrize("spacing_log", [GREATEST_SPACING_LOG + 1, 63, 255])
def test_other_spacings_are_refused(spacing_log):
    with pytest.raises(FormatError, match="spacing"):
        read_lattice(bytes([WHOLE, spacing_log]) + b"\x00\x05" + bytes(50), 26, 19, grey=False)


@pytest.mark.parametrize("square_log", [0, 4, 23, 255])
def test_other_squares_are_refused(square_log):
    with pytest.raises(FormatError, match="square"):
        read_lattice(bytes([square_log, 0]) + b"\x00\x05" + bytes(50), 26, 19, grey=False)


@pytest.mark.parametrize("step_index", [LATTICE_STEPS, LATTICE_STEPS + 1, 0xFFFF])
def test_other_knobs_are_refused(step_index):
    with pytest.raises(FormatError, match=str(step_index)):
        read_lattice(bytes([WHOLE, 0]) + step_index.to_bytes(2, "little") + bytes(50), 26, 19, grey=False)


@pytest.mark.parametrize("size", [(1 << 22, 1 << 22), (1 << 30, 1 << 30), (20_000, 10_000)])
@pytest.mark.parametrize("spacing_log", [0, 1])
def test_a_lattice_of_more_nodes_than_its_bytes_should_have_is_refused_at_once(size, spacing_log):
    section = pack_lattice(Part(0x500, [bytes(30)], spacing_log=spacing_log), WHOLE)
    start = time.perf_counter()
    with pytest.raises((LimitError, FormatError), match=r"nodes|chunks"):
        read_lattice(section, *size, grey=False)
    assert time.perf_counter() - start < 0.1


def test_signs_that_are_foreseen_cost_little_but_something():
    """A 22nd of a bit each, so that few bytes cannot hold coefficients without end, which take long to decode."""
    streams, quantised = _native.encode_coefficients(np.full((3, 256, 256), 6, np.float32), 1.0, 1e-4)
    count, bits = np.count_nonzero(quantised), 8 * sum(map(len, streams))
    assert count == quantised.size
    assert count / 22 <= bits <= count / 10


def test_a_stream_that_ends_long_before_its_coefficients_is_refused_soon(rng):
    """What follows the end reads as large numbers without end; all of them take longer than those that are there."""
    coefficients = rng.laplace(0, 30, (3, 256, 1024)).astype(np.float32)
    stream = _native.encode_coefficients(coefficients, 1.0, 0.1)[0][0]
    whole, section = (pack_lattice(Part(0x1400, [data]), WHOLE) for data in (stream, stream[:3000]))
    seconds, seconds_whole = [], []
    for _ in range(5):
        start = time.process_time()
        with pytest.raises(FormatError, match="too early"):
            read_lattice(section, 1024, 256, grey=False, threads=1)
        seconds.append(time.process_time() - start)
        start = time.process_time()
        read_lattice(whole, 1024, 256, grey=False, threads=1)
        seconds_whole.append(time.process_time() - start)
    assert min(seconds) < min(seconds_whole) / 10


@pytest.mark.parametrize("length", [1 << 20, 1 << 40])
def test_lengths_beyond_the_section_are_refused(length):
    section = bytes([WHOLE, 0, 0, 5]) + write_number(length) + bytes(20)
    with pytest.raises(FormatError):
        read_lattice(section, 1024, 1024, grey=True)
