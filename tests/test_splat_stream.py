"""The stream of splats: what is encoded is what is decoded, and no bytes do harm."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartsplat import _native
from smartsplat.coding.format import CENTRE_UNIT, GREATEST_ENERGY, GREATEST_RATIO, GREATEST_SIZE, LEAST_SIZE
from smartsplat.coding.splat_codes import COLOURS, ENERGY, RATIO, SIZE, TURN, X, Y
from smartsplat.coding.splat_section import read_codes, write_splats
from smartsplat.errors import FormatError
from tests.codes import RATIO_STEP, SIZE_STEP, in_steps, make_codes, repeatable, sets_of_codes, shapes
from tests.oracles.file import Part, pack_splats, unpack_splats
from tests.oracles.numbers import Reader, write_number
from tests.oracles.splat_stream import SplatDecoder, decode_section
from tests.oracles.tiers import coarse_to_fine, splat_logs


def sorted_rows(codes):
    return codes[np.lexsort(codes.T)]


@repeatable
@given(sets_of_codes())
def test_decodes_what_the_encoder_says(case):
    codes, width, height = case
    stream, encoded = _native.encode_splats(codes, width, height)
    np.testing.assert_array_equal(_native.decode_splats(stream, len(codes), width, height), encoded)


@repeatable
@given(sets_of_codes())
def test_encoding_again_changes_nothing(case):
    codes, width, height = case
    stream, encoded = _native.encode_splats(codes, width, height)
    again, encoded_again = _native.encode_splats(encoded, width, height)
    assert again == stream
    np.testing.assert_array_equal(encoded_again, encoded)


@repeatable
@given(sets_of_codes())
def test_no_splat_is_lost_and_all_but_centres_are_exact(case):
    codes, width, height = case
    encoded = _native.encode_splats(codes, width, height)[1]
    np.testing.assert_array_equal(sorted_rows(encoded[:, ENERGY:]), sorted_rows(codes[:, ENERGY:]))


def slopes(codes):
    """How far each splat's ridge rises in y for a step in x: the ratio of covariances xy and xx."""
    angle = np.pi * codes[:, TURN] / np.exp2(_native.splat_precision(codes)[:, 0])
    squared = np.exp2(-2 * shapes(codes)[1])
    c, s = np.cos(angle), np.sin(angle)
    return np.abs(c * s * (1 - squared) / (c**2 + s**2 * squared))


@repeatable
@given(sets_of_codes())
def test_centres_move_by_at_most_half_a_step_along_the_ridge(case):
    codes, width, height = case
    codes[:, COLOURS.start] = np.arange(len(codes))  # tells who is who
    encoded = _native.encode_splats(codes, width, height)[1]
    encoded = encoded[np.argsort(encoded[:, COLOURS.start])]
    step = CENTRE_UNIT / np.exp2(_native.splat_precision(codes)[:, 1:].astype(float))
    dx, dy = np.abs(encoded[:, [X, Y]] - codes[:, [X, Y]]).T
    assert (dx <= step[:, 0] / 2).all()
    # The ridge's slope is known to an eighth of an octave; rounding it costs half a unit.
    assert (dy <= step[:, 1] / 2 + 1.1 * slopes(codes) * dx + 1).all()


@settings(repeatable, max_examples=40)
@given(sets_of_codes(most=40))
def test_the_plain_decoder_agrees(case):
    codes, width, height = case
    stream, encoded = _native.encode_splats(codes, width, height)
    rows = [code.row() for code in SplatDecoder(stream, len(codes), width, height).decode()]
    np.testing.assert_array_equal(np.reshape(rows, (-1, 9)), encoded)


def test_order_does_not_matter_and_costs_nothing(rng):
    codes = make_codes(1, 200, 640, 480)
    stream, encoded = _native.encode_splats(codes, 640, 480)
    shuffled, same = _native.encode_splats(rng.permutation(codes), 640, 480)
    assert shuffled == stream
    np.testing.assert_array_equal(same, encoded)


def test_a_set_costs_less_than_a_list():
    codes = make_codes(2, 300, 640, 480)
    one_by_one = sum(len(_native.encode_splats(row[None], 640, 480)[0]) for row in codes)
    assert len(_native.encode_splats(codes, 640, 480)[0]) < 0.8 * one_by_one


@pytest.mark.parametrize("count", [16, 17, 18, 107, 5000])
def test_many_equal_splats_have_the_bytes_that_their_count_needs(count):
    """They take next to nothing, and no section may hold more than two in a byte."""
    codes = np.repeat(make_codes(6, 1, 64, 48), count, axis=0)
    section, encoded = write_splats(codes, 128, 64, 48)
    np.testing.assert_array_equal(read_codes(section, 64, 48)[0], encoded)
    stream = _native.encode_splats(codes, 64, 48)[0]
    assert len(stream) >= count / 2 - 8
    rows = [code.row() for code in SplatDecoder(stream, count, 64, 48).decode()]
    np.testing.assert_array_equal(rows, encoded)


@pytest.mark.parametrize("change", [lambda stream: stream + b"\0", lambda stream: stream[:-1] + b"\1"])
def test_no_other_bytes_may_follow_a_stream(change):
    stream = _native.encode_splats(np.zeros((5000, 9), np.int32), 64, 48)[0]  # with zeros at its end
    with pytest.raises(ValueError, match="longer"):
        _native.decode_splats(change(stream), 5000, 64, 48)
    with pytest.raises(FormatError):
        SplatDecoder(change(stream), 5000, 64, 48).decode()


# Bytes that no encoder wrote


def assert_in_range(codes):
    energy = codes[:, ENERGY]
    bits = _native.splat_precision(codes)[:, 0]
    assert ((energy >= 0) & (energy <= GREATEST_ENERGY)).all()
    size, ratio = shapes(codes)
    assert ((size >= LEAST_SIZE) & (size < GREATEST_SIZE + 1 / 16)).all()
    assert ((ratio >= 0) & (ratio < GREATEST_RATIO + 1 / 16)).all()
    assert ((codes[:, TURN] >= 0) & (codes[:, TURN] < np.exp2(bits))).all()
    assert (np.abs(codes[:, COLOURS]) < 2**21).all()


def assert_in_box(codes, width, height):
    """Centres may lie beyond the picture, in what its sides are rounded up to."""
    for column, side in ((X, width), (Y, height)):
        beyond = CENTRE_UNIT << (side - 1).bit_length()
        assert ((codes[:, column] >= 0) & (codes[:, column] <= beyond)).all()


def decode_or_refuse(stream, count, width, height):
    try:
        codes = _native.decode_splats(stream, count, width, height)
    except ValueError:
        return None
    assert codes.shape == (count, 9)
    assert_in_range(codes)
    assert_in_box(codes, width, height)
    return codes


SIDES = st.sampled_from([1, 2, 3, 37, 640, 5000, 1 << 22])


@repeatable
@given(st.binary(max_size=300), st.integers(0, 600), SIDES, SIDES)
def test_random_bytes_are_refused_or_decode_within_the_ranges(stream, count, width, height):
    decode_or_refuse(stream, count, width, height)


@pytest.mark.parametrize("byte", [0, 1, 0x55, 0x7F, 0x80, 0xAA, 0xFE, 0xFF])
@pytest.mark.parametrize("length", [0, 1, 4, 5, 1000])
def test_monotonous_bytes_do_no_harm(byte, length):
    for count in (0, 1, 8, 15, 64, 2 * length):
        decode_or_refuse(bytes([byte]) * length, count, 5000, 3)


@repeatable
@given(st.binary(max_size=60), st.integers(0, 30), SIDES, SIDES)
def test_the_plain_decoder_agrees_on_random_bytes(stream, count, width, height):
    codes = decode_or_refuse(stream, count, width, height)
    if codes is not None:
        rows = [code.row() for code in SplatDecoder(stream, count, width, height).decode()]
        np.testing.assert_array_equal(np.reshape(rows, (-1, 9)), codes)


def test_truncated_streams_never_give_the_whole_set():
    codes = make_codes(3, 60, 640, 480)
    stream, encoded = _native.encode_splats(codes, 640, 480)
    for length in range(len(stream)):
        shorter = decode_or_refuse(stream[:length], 60, 640, 480)
        assert shorter is None or not np.array_equal(shorter, encoded)
    assert decode_or_refuse(stream[: len(stream) // 2], 60, 640, 480) is None


@repeatable
@given(st.integers(0, 2**32 - 1), st.data())
def test_damaged_streams_do_no_harm(seed, data):
    stream = bytearray(_native.encode_splats(make_codes(seed, 50, 640, 480), 640, 480)[0])
    at = data.draw(st.integers(0, len(stream) - 1))
    stream[at] ^= data.draw(st.integers(1, 255))
    decode_or_refuse(bytes(stream), 50, 640, 480)


# The section around the stream


@pytest.mark.parametrize("step_index", [0, 128, 255])
def test_sections_come_back(step_index):
    codes = make_codes(4, 33, 640, 480)
    section, encoded = write_splats(codes, step_index, 640, 480)
    decoded, decoded_knob = read_codes(section, 640, 480)
    np.testing.assert_array_equal(decoded, encoded)
    assert decoded_knob == step_index


@pytest.mark.parametrize("count", [1000, 10**6, 10**9, 1 << 40])
def test_a_section_that_claims_more_splats_than_its_bytes_can_hold_is_refused(count):
    stream = _native.encode_splats(make_codes(5, 10, 640, 480), 640, 480)[0]
    assert len(stream) < 300
    part = Part(128, [write_number(count) + stream], count)
    with pytest.raises(FormatError, match=str(count)):
        read_codes(pack_splats(part, 11), 640, 480)


@pytest.mark.parametrize("change", [-1, 1, 10**9])
def test_another_number_of_splats_in_all_chunks_is_refused(change):
    part, square_log = unpack_splats(write_splats(make_codes(4, 33, 640, 480), 7, 640, 480)[0], 640, 480)
    part.count += change
    with pytest.raises(FormatError, match=str(part.count)):
        read_codes(pack_splats(part, square_log), 640, 480)


# Chunks


@repeatable
@given(sets_of_codes(), st.sampled_from([5, 6, 8]))
def test_chunks_come_back(case, square_log):
    codes, width, height = case
    section, encoded = write_splats(codes, 3, width, height, square_log=square_log)
    np.testing.assert_array_equal(read_codes(section, width, height)[0], encoded)
    np.testing.assert_array_equal(sorted_rows(encoded[:, ENERGY:]), sorted_rows(codes[:, ENERGY:]))
    again, same = write_splats(encoded, 3, width, height, square_log=square_log)
    assert again == section
    np.testing.assert_array_equal(same, encoded)


@settings(repeatable, max_examples=40)
@given(sets_of_codes(most=60), st.sampled_from([5, 6, 8]))
def test_the_plain_decoder_agrees_on_chunks(case, square_log):
    codes, width, height = case
    section, encoded = write_splats(codes, 3, width, height, square_log=square_log)
    rows = [code.row() for code in decode_section(section, width, height)[0]]
    np.testing.assert_array_equal(np.reshape(rows, (-1, 9)), encoded)


def test_a_chunk_holds_splats_of_its_square_that_reach_an_eighth_of_it_at_most():
    width, height, square_log = 3000, 2000, 7
    codes = make_codes(11, 3000, width, height)
    section, encoded = write_splats(codes, 3, width, height, square_log=square_log)
    part, _ = unpack_splats(section, width, height)
    squares = list(coarse_to_fine(width, height, splat_logs(width, height, square_log)))
    scale = np.exp2(np.add(*shapes(encoded) * np.array([[1], [0.5]])))  # of the longer axis
    first = 0
    tiers = set()
    for chunk, square in zip(part.chunks, squares, strict=True):
        count = Reader(chunk).number() if chunk else 0
        own = slice(first, first + count)
        first += count
        side = CENTRE_UNIT << square.log
        for column, place in ((X, square.column), (Y, square.row)):
            assert (encoded[own, column] // side == place).all()
        if not square.coarsest:
            assert (np.sqrt(2 * np.log(255)) * scale[own] <= 2**square.log / 8).all()
        tiers.add(square.tier if count else None)
    assert first == len(codes)
    assert {0, 1, 2} <= tiers


def test_a_splat_that_is_too_large_for_its_chunk_is_refused():
    codes = make_codes(12, 1, 60, 60)
    codes[:, [ENERGY, SIZE, RATIO, TURN]] = 0, 4, 0, 0  # 16 px
    part, _ = unpack_splats(write_splats(codes, 3, 32, 32, square_log=5)[0], 32, 32)
    small = Part(3, [b"", part.chunks[0], b"", b"", b""], 1)
    section = pack_splats(small, 5)
    with pytest.raises(FormatError, match="too large"):
        read_codes(section, 60, 60)
    with pytest.raises(FormatError, match="too large"):
        decode_section(section, 60, 60)


@repeatable
@given(st.binary(max_size=100))
def test_random_sections_are_refused_or_decode_within_the_ranges(section):
    try:
        codes, step_index = read_codes(section, 5000, 3)
    except FormatError as error:
        assert "\n" not in str(error)
    else:
        assert_in_range(codes)
        assert 0 <= step_index <= 255


def test_the_oracle_and_the_encoder_agree_on_one_splat_of_each_class():
    for energy in range(GREATEST_ENERGY + 1):
        codes = make_codes(energy, 1, 300, 200)
        size, ratio = in_steps(3, energy, SIZE_STEP), in_steps(3, energy, RATIO_STEP)
        codes[:, [ENERGY, SIZE, RATIO, TURN]] = energy, size, ratio, 0
        stream, encoded = _native.encode_splats(codes, 300, 200)
        assert SplatDecoder(stream, 1, 300, 200).decode()[0].row() == encoded[0].tolist()
