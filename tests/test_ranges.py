"""Files of which parts are read: from a disk, from a web server, by the C face's rules; only what is needed."""

import json
import pickle
import threading
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import smartsplat
from smartsplat.coding.container import Container
from smartsplat.coding.format import LATTICE, SPLATS
from smartsplat.coding.lattice_section import write_lattice
from smartsplat.coding.splat_section import write_splats
from smartsplat.errors import FormatError
from smartsplat.file import source, splatfile, store
from smartsplat.file.ranges import LocalRanges
from smartsplat.file.splatfile import SplatFile
from smartsplat.file.store import Store
from tests.browser import Answer, serving
from tests.chunked import make_file
from tests.lattices import photo_spectrum
from tests.oracles.file import read_file

REGION = (700, 500, 90, 60)


@pytest.fixture(scope="module")
def data():
    """A file of many chunks, with an overview that is quite another picture."""
    return make_file(1300, 900, 1, 6, 3900, make_file(163, 113, 2, 6))


@pytest.fixture
def path(data, tmp_path, monkeypatch):
    """The file on the disk, where small ones are read in parts as well."""
    monkeypatch.setattr(source, "LEAST_RANGED", 1)
    monkeypatch.setattr(splatfile, "LEAST_PARTED", 1)
    file = tmp_path / "a.ssplat"
    file.write_bytes(data)
    return file


def test_only_the_front_is_read_first(path, data):
    with smartsplat.open(path) as file:
        assert (file.width, file.height, len(file)) == (1300, 900, len(data))
        assert file.bytes_read == store.FRONT


def test_parts_are_those_of_the_whole(path, data, rng):
    whole = smartsplat.Renderer(SplatFile.from_bytes(data))
    with smartsplat.open(path) as file:
        for _ in range(5):
            region = int(rng.integers(0, 1200)), int(rng.integers(0, 800)), 100, 100
            assert np.abs(file.render(region=region).astype(int) - whole.render(region=region)).max() <= 1
        assert file.bytes_read < len(data)


def test_what_is_kept_is_not_read_again(path):
    with smartsplat.open(path) as file:
        first = file.render(region=REGION)
        before = file.bytes_read
        assert np.array_equal(file.render(region=REGION), first)
        assert file.bytes_read == before


def test_no_more_is_kept_than_allowed(path):
    few = Store(LocalRanges(path), cache_bytes=1000)
    wanted = [(20000 + 500 * k, 500) for k in range(10)]
    assert few.fetch(wanted) == [(at, path.read_bytes()[at : at + 500]) for at, _ in wanted]
    before = few.bytes_read
    few.fetch(wanted[-2:])
    assert few.bytes_read == before
    few.fetch(wanted[:1])
    assert few.bytes_read == before + 500
    few.close()


def test_all_of_it_is_read_once_it_is_asked_for(path, data):
    with smartsplat.open(path) as file:
        assert file.to_bytes() == data
        assert np.array_equal(file.render(), smartsplat.decode(data))
    with smartsplat.open(path) as file:
        assert len(file.splats) == len(smartsplat.open(data).splats)
        assert file.lattice is not None


def test_threads_share_a_file(path, data):
    expected = SplatFile.from_bytes(data).render(region=REGION)
    with smartsplat.open(path) as file:
        found = []
        threads = [threading.Thread(target=lambda: found.append(file.render(region=REGION))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 8
    assert all(np.abs(pixels.astype(int) - expected).max() <= 1 for pixels in found)


def test_an_open_file_stays_what_it_is(path, data):
    """Another one takes its name: what writes files does it so."""
    with smartsplat.open(path) as file:
        other = path.with_name("b")
        other.write_bytes(bytes(len(data)))
        other.replace(path)
        assert file.to_bytes() == data


@pytest.mark.parametrize("length", [7, 1000, 30_000, -1])
def test_a_file_that_is_cut_short(path, data, length):
    path.write_bytes(data[:length])
    with pytest.raises(FormatError, match=r"a\.ssplat: the file ends too early"):
        smartsplat.open(path)


def test_a_file_that_becomes_shorter(path, data):
    with smartsplat.open(path) as file:
        path.write_bytes(data[:20_000])
        with pytest.raises(FormatError, match="shorter"):
            file.render()


def test_a_longer_file(path, data):
    path.write_bytes(data + b"more")
    with pytest.raises(FormatError, match="longer"):
        smartsplat.open(path)


def test_no_header_is_read_that_is_too_long(path, monkeypatch):
    monkeypatch.setattr(store, "GREATEST_FRONT", 100)
    with pytest.raises(FormatError, match=r"a\.ssplat: header and index have \d+ bytes"):
        smartsplat.open(path)


def test_no_file_is_read_whole_that_is_too_long(path, monkeypatch):
    with smartsplat.open(path) as file:
        monkeypatch.setattr(store, "GREATEST_FILE", 1000)
        with pytest.raises(FormatError, match=r"a\.ssplat: the file has \d+ bytes"):
            file.to_bytes()
        assert file.render(region=REGION).shape == (60, 90, 3)


def test_damage_is_named_when_it_is_met(path, data):
    start = 90_000 + smartsplat.open(data).section_bytes[splatfile.OVERVIEW]
    path.write_bytes(data[:start] + bytes(20_000) + data[start + 20_000 :])
    with smartsplat.open(path) as file, pytest.raises(FormatError, match=r"a\.ssplat: the .* at .* is damaged"):
        file.render(region=(0, 0, 1300, 400))


def test_a_closed_file_says_so(path):
    with smartsplat.open(path) as file:
        pass
    with pytest.raises((OSError, ValueError)):
        file.render(region=REGION)


# Overviews


def test_a_draft_is_the_overview(path, data):
    with smartsplat.open(path) as file:
        draft = file.render(scale=0.125, draft=True)
        assert file.bytes_read < 0.5 * len(data)
        small = file.overview
        whole = small.render(region=(0, 0, 162.5, 112.5), size=(draft.shape[1], draft.shape[0]))
        assert np.array_equal(draft, whole)
        part = file.render(region=(80, 160, 400, 400), scale=0.125, draft=True)
        assert np.array_equal(part, small.render(region=(10, 20, 50, 50)))


def test_a_finer_view_is_no_draft(path, data):
    with smartsplat.open(path) as file:
        assert np.array_equal(file.render(scale=0.3, draft=True), smartsplat.open(data).render(scale=0.3))


SMALL = make_file(163, 113, 2, 6)


@pytest.mark.parametrize(
    "section", [b"", b"\x03", b"\x03nothing", b"\x00" + SMALL, b"\x11" + SMALL, b"\x02" + SMALL, b"\x03" + SMALL[:-1]]
)
def test_what_is_no_overview_is_refused(section, monkeypatch):
    monkeypatch.setattr("tests.chunked.overview_section", lambda *_: section)
    file = SplatFile.from_bytes(make_file(1300, 900, None, 9, overview=SMALL))
    with pytest.raises(FormatError):
        file.render(scale=0.1, draft=True)
    assert file.render(scale=0.1).shape == (90, 130, 3)


def test_large_pictures_get_one(rng, monkeypatch):
    from smartsplat.pipeline import overview

    monkeypatch.setattr(overview, "LEAST_PIXELS", 10_000)
    pixels = np.kron(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
    file = smartsplat.encode(pixels, size=8000, effort=1)
    assert file.overview is not None
    assert (file.overview.width, file.overview.height) == (40, 30)
    assert 0.97 * 8000 <= len(file) <= 8000
    assert file.section_bytes[splatfile.OVERVIEW] <= 0.025 * 8000 + 1
    none = smartsplat.encode(pixels, size=8000, effort=1, overview=False)
    assert none.overview is None
    alone = smartsplat.encode(pixels, size=8000, effort=1, lattice="none")
    assert alone.overview is None


def test_what_is_small_or_of_one_colour_gets_none(rng, monkeypatch):
    from smartsplat.pipeline import overview

    monkeypatch.setattr(overview, "LEAST_PIXELS", 10_000)
    pixels = np.kron(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
    few = smartsplat.encode(pixels, size=300, effort=1)
    assert few.overview is None
    assert len(few) <= 300
    for target in ({"cr": 100}, {"psnr": 40}):
        flat = smartsplat.encode(np.full((240, 320, 3), 77, np.uint8), effort=1, **target)
        assert flat.overview is None
        assert len(flat) < 100


# The command line


def test_decode_says_what_it_read(path, tmp_path, run, data):
    code, out, _ = run("decode", path, tmp_path / "a.png", "--region", ",".join(map(str, REGION)), "--json")
    assert code == 0
    assert store.FRONT < json.loads(out)["bytes_read"] < len(data)


def test_a_draft_by_the_command_line(path, tmp_path, run, data):
    assert run("decode", path, tmp_path / "a.png", "--scale", "0.125", "--draft")[0] == 0
    expected = smartsplat.open(data).render(scale=0.125, draft=True)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), expected)


# Web servers

remote = pytest.mark.skipif(
    not all(map(find_spec, ("fsspec", "aiohttp"))), reason="the extra remote is not there: fsspec, aiohttp"
)


@pytest.fixture
def server(data):
    answers = {"/a.ssplat": Answer(data, ranges=[])}
    with serving(answers) as address:
        yield f"{address}/a.ssplat", answers["/a.ssplat"]


@remote
@pytest.mark.parametrize("ranges", [True, False])
def test_an_address(server, data, monkeypatch, ranges):
    monkeypatch.setattr(splatfile, "LEAST_PARTED", 1)
    url, answer = server
    answer.ranges = [] if ranges else None
    with smartsplat.open(url) as file:
        assert np.array_equal(file.render(region=REGION), smartsplat.open(data).render(region=REGION))
        assert file.bytes_read < len(data)
        assert not ranges or sum(length for _, length in answer.ranges) == file.bytes_read


@remote
def test_info_and_decode_take_addresses(server, tmp_path, run):
    url, _ = server
    code, out, _ = run("info", url, "--json")
    assert (code, json.loads(out)["width"]) == (0, 1300)
    assert run("decode", url, tmp_path / "a.png", "--scale", "0.1")[0] == 0
    assert Image.open(tmp_path / "a.png").size == (130, 90)


@remote
def test_html_says_in_one_line_that_there_is_no_server(run, tmp_path):
    code, _, error = run("html", "http://127.0.0.1:9/a.ssplat", tmp_path / "a.html")
    assert (code != 0, error.count("\n")) == (True, 1)


@remote
@pytest.mark.parametrize("name", ["b.ssplat", "a.ssplat"])
def test_what_is_not_there_is_one_line(server, run, name):
    url, answer = server
    answer.status, answer.ranges = 500, None
    code, _, error = run("info", url.replace("a.ssplat", name))
    assert (code != 0, error.count("\n")) == (True, 1)
    assert name in error
    assert ("no such file" in error) == (name == "b.ssplat")


@remote
def test_a_server_whose_file_changes(server, data, monkeypatch):
    monkeypatch.setattr(splatfile, "LEAST_PARTED", 1)
    url, answer = server
    with smartsplat.open(url) as file:
        answer.body = data[:30_000]
        with pytest.raises((FormatError, OSError)):
            file.render(region=(1200, 800, 100, 100))


@pytest.mark.parametrize("url", ["nothing://x/y.ssplat", "http://127.0.0.1:9/a.ssplat", "ftp://127.0.0.1:9/a.ssplat"])
@remote
def test_addresses_that_lead_nowhere(url, run):
    code, _, error = run("info", url)
    assert (code != 0, error.count("\n")) == (True, 1)
    assert url in error


def test_a_path_is_no_address(tmp_path, data):
    (tmp_path / "a:b").write_bytes(data)
    assert smartsplat.open(Path(tmp_path, "a:b")).width == 1300


# Alpha


@pytest.fixture(scope="module")
def alpha():
    spectrum = photo_spectrum(1300, 900, grey=True)
    sections = {SPLATS: write_splats(np.zeros((0, 9), np.int32), 0, 1300, 900, square_log=6)[0]}
    sections[LATTICE] = write_lattice(spectrum, 4000, square_log=6).section
    return Container(1300, 900, True, sections).to_bytes()


def with_alpha(data, alpha):
    file = read_file(data)
    file.alpha = alpha
    return file.to_bytes()


def test_parts_of_a_picture_with_alpha(path, data, alpha):
    path.write_bytes(with_alpha(data, alpha))
    whole = smartsplat.Renderer(SplatFile.from_bytes(path.read_bytes()))
    with smartsplat.open(path) as file:
        assert file.shape == (900, 1300, 4)
        assert file.bytes_read == 2 * store.FRONT
        region = file.render(region=REGION).astype(int)
        assert np.abs(region - whole.render(region=REGION)).max() <= 1
        assert np.ptp(region[:, :, 3]) > 20
        assert file.bytes_read < len(file) / 2
        np.testing.assert_array_equal(file.render(), whole.render())
        assert len(file.alpha.to_bytes()) == len(alpha)
        assert pickle.loads(pickle.dumps(file)).to_bytes() == path.read_bytes()


def test_alpha_that_does_not_fit_is_refused_by_its_front(path, data, alpha):
    small = make_file(60, 40, 2, 6)
    cut = alpha[:60] + bytes([alpha[60] ^ 1]) + alpha[61:]
    for wrong in (small, cut, with_alpha(alpha, alpha), data):
        path.write_bytes(with_alpha(data, wrong))
        with pytest.raises(FormatError, match="the alpha picture: "):
            smartsplat.open(path)
