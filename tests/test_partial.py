"""Files that are damaged or end early: what is left of them, and what is said of the rest."""

import json
import pickle
import zlib

import numpy as np
import pytest

import smartsplat
from smartsplat.cli import main
from smartsplat.coding.container import Container
from smartsplat.coding.format import SPLATS
from smartsplat.coding.splat_section import write_splats
from smartsplat.errors import FormatError, LimitError
from smartsplat.file.damage import lines_of
from smartsplat.file.splatfile import SplatFile
from tests.chunked import make_file
from tests.oracles.file import read_file
from tests.oracles.numbers import Reader
from tests.oracles.tiers import coarse_to_fine, splat_logs

WIDTH, HEIGHT = 300, 200


@pytest.fixture(scope="module")
def data():
    return make_file(WIDTH, HEIGHT, 2, 5)


def places_of(data):
    """Part, square, offset and length of each chunk that is not empty, in the order of the file."""
    file = read_file(data)
    found, at = [], len(data) - sum(len(chunk) + 4 for chunk in file.chunks() if chunk)
    for part, squares, first in file.tiers():
        for square, chunk in zip(squares, part.chunks[first : first + len(squares)], strict=True):
            if chunk:
                found.append(("splats" if part is file.splats else "lattice", square, at, len(chunk)))
                at += len(chunk) + 4
    assert at == len(data)
    return found


def is_under(square, other):
    """Whether the lattice's chunk of a square depends on that of another one."""
    times = 2 ** (other.log - square.log) if square.tier <= other.tier else 0
    return bool(times) and (square.row // times, square.column // times) == (other.row, other.column)


def without(data, lost):
    """The file that has none of the chunks of which ``lost(part, square)``."""
    file = read_file(data)
    for part, squares, first in file.tiers():
        name = "splats" if part is file.splats else "lattice"
        for i, square in enumerate(squares, first):
            if lost(name, square):
                part.chunks[i] = b""
    file.splats.count = sum(Reader(chunk).number() for chunk in file.splats.chunks if chunk)
    return smartsplat.decode(file.to_bytes())


def region_of(square):
    x, y, side = square.column << square.log, square.row << square.log, 1 << square.log
    return x, y, min(side, WIDTH - x), min(side, HEIGHT - y)


def damaged(data, at):
    return data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :]


def test_a_whole_file_has_no_damage(data):
    file = smartsplat.open(data, partial=True)
    assert file.damage == ()
    np.testing.assert_array_equal(file.render(), smartsplat.decode(data))
    assert len(file) == len(data)


def test_a_damaged_chunk_is_named_and_the_rest_is_shown(data, rng):
    places = places_of(data)
    kinds = {(part, square.tier): i for i, (part, square, _, _) in enumerate(places)}
    assert len(kinds) >= 5
    for i in kinds.values():
        part, square, at, length = places[i]
        broken = damaged(data, at + int(rng.integers(length + 4)))  # the checksum may be what is damaged
        with pytest.raises(
            FormatError, match=rf"{part} at {square.column << square.log}, .*tier {square.tier}.*damaged"
        ):
            smartsplat.decode(broken)
        file = smartsplat.open(broken, partial=True)
        below = [s for p, s, _, _ in places if (p, part) == ("lattice",) * 2 and s != square and is_under(s, square)]
        (damage,) = file.damage
        assert (damage.part, damage.tier, damage.region) == (part, square.tier, region_of(square))
        assert (damage.missing, damage.depending) == (False, len(below))

        def lost(p, s, part=part, square=square, below=below):
            return p == part and (s == square or s in below)

        np.testing.assert_array_equal(file.render(), without(data, lost))


def test_a_beginning_of_a_file_is_a_coarser_picture(data):
    places = places_of(data)
    whole = smartsplat.decode(data)
    errors = []
    ends = [places[0][2]] + [at + length // 2 for _, _, at, length in places[:: len(places) // 12]] + [len(data) - 1]
    for end in ends:
        with pytest.raises(FormatError, match="too early"):
            smartsplat.open(data[:end])
        file = smartsplat.open(data[:end], partial=True)
        gone = {(part, square) for part, square, at, length in places if at + length + 4 > end}
        assert {(d.part, d.tier, d.region) for d in file.damage} == {(p, s.tier, region_of(s)) for p, s in gone}
        assert all(d.missing for d in file.damage)
        pixels = file.render()
        np.testing.assert_array_equal(pixels, without(data, lambda p, s, gone=gone: (p, s) in gone))
        errors.append(np.mean((pixels.astype(float) - whole) ** 2))
        assert len(lines_of(file.damage)) == len({(p, s.tier) for p, s in gone})
    assert errors[0] > errors[len(errors) // 2] > errors[-1]


def test_without_a_whole_front_nothing_is_decoded(data):
    front = places_of(data)[0][2]
    for end in (0, 5, 8, 20, front - 1):
        with pytest.raises(FormatError):
            smartsplat.open(data[:end], partial=True)
    with pytest.raises(FormatError, match="header is damaged"):
        smartsplat.open(damaged(data, front - 3), partial=True)


def test_regions_of_what_is_left(data, monkeypatch):
    monkeypatch.setattr("smartsplat.file.splatfile.LEAST_PARTED", 1)
    part, square, at, _ = max(places_of(data), key=lambda place: (place[0] == "splats", -place[1].tier))
    broken = damaged(data, at)
    x, y, width, height = region_of(square)
    region = smartsplat.open(broken, partial=True).render(region=(x, y, width, height))
    whole = without(data, lambda p, s: (p, s) == (part, square))[y : y + height, x : x + width]
    assert np.abs(region.astype(int) - whole).max() <= 1


@pytest.fixture(scope="module")
def with_alpha():
    pixels = np.random.default_rng(3).integers(0, 256, (40, 56, 4), np.uint8)
    pixels[:, :, 3] = np.linspace(0, 255, 56).astype(np.uint8)
    return smartsplat.encode(pixels, cr=10, effort=1).to_bytes()


def test_damage_in_the_alpha_picture(with_alpha):
    whole = smartsplat.decode(with_alpha)
    file = smartsplat.open(damaged(with_alpha, len(with_alpha) - 8), partial=True)
    assert [d.of_alpha for d in file.damage] == [True]
    assert str(file.damage[0]).startswith("the alpha's ")
    np.testing.assert_array_equal(file.render()[:, :, :3], whole[:, :, :3])


def test_without_a_front_of_the_alpha_a_picture_is_opaque(with_alpha):
    start = with_alpha.rindex(b"\x89SSP\r\n")
    for broken in (with_alpha[: start + 10], damaged(with_alpha, start + 9)):
        file = smartsplat.open(broken, partial=True)
        assert (file.alpha, [d.part for d in file.damage]) == (None, ["alpha"])
        np.testing.assert_array_equal(file.render(), smartsplat.decode(with_alpha)[:, :, :3])


def test_lost_metadata_are_named():
    data = make_file(60, 40, 2, 5)
    file = read_file(data)
    file.metadata = [(0x11, b"no zlib stream"), (0x13, (3000).to_bytes(4, "little") * 2)]
    broken = damaged(file.to_bytes(), file.to_bytes().index(b"no zlib stream"))
    with pytest.raises(FormatError, match="0x11 is damaged"):
        _ = SplatFile.from_bytes(broken).metadata
    left = smartsplat.open(broken, partial=True)
    assert [str(d) for d in left.damage] == ["metadata 0x11 are damaged"]
    assert left.metadata.exif is None
    assert left.metadata.resolution is not None


def test_what_is_left_pickles(data):
    file = smartsplat.open(data[:-10], partial=True)
    again = pickle.loads(pickle.dumps(file))
    assert again.damage == file.damage != ()
    np.testing.assert_array_equal(again.render(), file.render())


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


def test_decode_partial(data, tmp_path, capsys):
    path, out = tmp_path / "a.ssplat", tmp_path / "a.png"
    _, _, at, _ = places_of(data)[-1]
    path.write_bytes(damaged(data, at))
    assert run("decode", path, out) == 1
    assert not out.exists()
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert run("decode", path, out, "--partial", "--json") == 0
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert "(tier 0, " in line and "damaged" in line
    (damage,) = json.loads(said.out)["damage"]
    assert (damage["part"], damage["tier"], damage["missing"]) == ("splats", 0, False)
    path.write_bytes(data[: at - 3])
    assert run("decode", path, out, "--partial", "--force") == 0
    assert all("chunks are missing" in each for each in capsys.readouterr().err.splitlines())


def test_the_squares_of_splats_count_from_coarse_to_fine():
    """What ``places_of`` relies on: the order of the oracle is that of the file."""
    logs = splat_logs(WIDTH, HEIGHT, 5)
    tiers = [square.tier for square in coarse_to_fine(WIDTH, HEIGHT, logs)]
    assert tiers == sorted(tiers, reverse=True)


def test_what_is_lost_is_not_listed_without_end():
    """A short index may announce any number of chunks of a byte each."""
    none = write_splats(np.zeros((0, 9), np.int32), 0, 1 << 20, 1 << 20, square_log=12)[0]
    head = bytearray(Container(1 << 20, 1 << 20, False, {SPLATS: none}).to_bytes()[:-4])
    index = len(head.rstrip(b"\0"))
    head[index:] = b"\1" * (len(head) - index)
    assert len(head) - index > 1 << 16
    data = bytes(head) + zlib.crc32(head).to_bytes(4, "little")
    with pytest.raises(LimitError, match="lost"):
        SplatFile.open(data, partial=True)
