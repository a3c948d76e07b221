"""Windows by whoever does them and whenever: workers, one after the other, broken off and gone on with."""

import json
import os
import signal

import numpy as np
import pytest

import smartsplat
from smartsplat.cli import main
from smartsplat.cluster import ClusterError
from smartsplat.engines import load_engine
from smartsplat.engines.window import WindowEngine
from smartsplat.errors import CheckpointError
from smartsplat.model.lattice import Lattice, lattice_shape
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from smartsplat.model.window import Window, windows_of
from smartsplat.pictures.planes import to_planes
from smartsplat.pictures.writing import save
from smartsplat.pipeline import encode as encoding
from smartsplat.pipeline import windowed
from smartsplat.pipeline.crew import Here, Workers, crew_of
from smartsplat.pipeline.errands import Errand, lattice_near
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.pilot import Choice
from smartsplat.pipeline.plan import plan_for
from smartsplat.pipeline.windowed import compose_windows
from tests.photos import photo


def sections(crew=None):
    """Of a composition in nine windows."""
    job = Job(to_planes(photo(192, 192)), False, load_engine("cpu", 1), 2, thrifty=True, crew=crew)
    plan = plan_for(job.pixels, 1500, 0.4, grey=False)
    found = compose_windows(job, plan, windows_of(192, 192, 64 * 64))
    return found.splats.section, found.lattice.section


@pytest.fixture(scope="module")
def expected():
    return sections()


class Backwards:
    """Does the last errand first."""

    def run(self, errands):
        yield from Here(load_engine("cpu", 1)).run(reversed(list(errands)))


def test_the_order_within_a_colour_changes_no_byte(expected):
    assert sections(Backwards()) == expected


class Unlucky(Workers):
    """Loses a worker when the first window has been fitted."""

    killed = 0

    def run(self, errands):
        for done in super().run(errands):
            if not Unlucky.killed:
                Unlucky.killed = next(iter(self.client.run(os.getpid).values()))
                os.kill(Unlucky.killed, signal.SIGKILL)
            yield done


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_two_workers_one_of_which_is_killed_change_no_byte(expected):
    pytest.importorskip("distributed")
    with crew_of(load_engine("cpu"), "local", 2) as crew:
        assert sections(Unlucky(crew.client, "cpu")) == expected
    assert Unlucky.killed


def test_windows_of_a_colour_do_not_touch():
    windows = windows_of(700, 500, 64 * 64)
    colours = windowed._colours(windows)
    assert len(set(colours)) == 4
    for i, one in enumerate(windows):
        for other, colour in zip(windows[:i], colours[:i], strict=True):
            apart = (
                other.left > one.left + one.width or one.left > other.left + other.width
                or other.top > one.top + one.height or one.top > other.top + other.height
            )  # fmt: skip
            assert apart or colour != colours[i]


@pytest.mark.parametrize("spacing", [1, 2, 16, 128])
@pytest.mark.parametrize("outer", [Window(0, 0, 90, 70), Window(128, 64, 100, 64), Window(192, 192, 108, 61)], ids=str)
@pytest.mark.parametrize("zoom", [1, 0.37])
def test_a_part_of_a_lattice_shows_what_all_of_it_does(rng, spacing, outer, zoom):
    width, height = 300, 253
    values = rng.normal(0, 0.3, (3, *lattice_shape(width, height, spacing))).astype(np.float32)
    lattice, nothing = Lattice(width, height, spacing, values), Splats(np.zeros((0, 8), np.float32))
    view = View(int(outer.width * zoom), int(outer.height * zoom), zoom=zoom, blur=0.15)
    shown = [
        WindowEngine(load_engine("cpu"), place, nothing).canvas(view, part).place(nothing).render()
        for part, place in ((lattice, outer), lattice_near(lattice, outer))
    ]
    np.testing.assert_allclose(shown[1], shown[0], atol=1e-5)
    assert lattice_near(lattice, Window(0, 0, 64, 64))[0].values.size < 0.8 * lattice.values.size or spacing > 16


# Broken off and gone on with


@pytest.fixture
def large(large, monkeypatch):
    """Which get splats without a trial."""
    monkeypatch.setattr(encoding, "choose_share", lambda *_: Choice(0.4))


@pytest.fixture
def errands(monkeypatch):
    """What is done, and after how many windows somebody presses Ctrl-C: `errands.most`."""

    class Seen(list):
        most = 1000

    seen, usual = Seen(), Errand.done

    def done(self, engine):
        if len(seen) == seen.most:
            raise KeyboardInterrupt
        seen.append((self.what, self.number))
        return usual(self, engine)

    monkeypatch.setattr(Errand, "done", done)
    return seen


PICTURE = photo(160, 128)


def encoded(path=None, **options):
    return smartsplat.encode(PICTURE, **({"size": 1500, "effort": 3, "checkpoint": path} | options))


def test_an_encoding_that_was_broken_off_goes_on_to_the_same_bytes(large, errands, tmp_path):
    whole = encoded().to_bytes()
    count = len(errands)
    assert count > 12
    for most in (2, 5, count - 3):  # within a colour, and in every stage
        path = tmp_path / f"{most}.checkpoint"
        errands.clear()
        errands.most = most
        with pytest.raises(KeyboardInterrupt):
            encoded(path)
        assert list(tmp_path.glob("*")) == [path]
        first = list(errands)
        errands.clear()
        errands.most = 1000
        assert encoded(path).to_bytes() == whole
        assert len(first) + len(errands) == count
        assert not set(first) & set(errands)
        path.unlink()


def test_what_is_kept_is_of_one_picture_and_one_way(large, tmp_path):
    path = tmp_path / "a"
    encoded(path)
    kept = path.read_bytes()
    for other in ({"effort": 4}, {"seed": 1}, {"tune": "psnr"}):
        with pytest.raises(CheckpointError, match="other settings"):
            encoded(path, **other)
    with pytest.raises(CheckpointError, match="another picture"):
        smartsplat.encode(PICTURE[::-1].copy(), size=1500, effort=3, checkpoint=path)
    assert path.read_bytes() == kept
    assert len(encoded(path, size=1400)) <= 1400  # other bytes are other windows, kept beside the first


def archive(**arrays):
    def write(path):
        with path.open("wb") as file:
            np.savez(file, **arrays)

    return write


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b"no checkpoint"),
        lambda path: path.write_bytes(b"PK\x03\x04 nor this"),
        archive(head=np.array("{}"), a=np.zeros((3, 7), np.float32)),
        archive(head=np.array("[]")),
        archive(a=np.zeros((3, 8), np.float32)),
    ],
)
def test_files_that_are_no_checkpoints_are_refused_and_kept(large, tmp_path, write):
    path = tmp_path / "a"
    write(path)
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match="checkpoint"):
        encoded(path)
    assert path.read_bytes() == before


def test_the_log_has_a_row_for_every_piece(large, tmp_path, errands):
    save(tmp_path / "a.png", PICTURE)
    arguments = ["encode", str(tmp_path / "a.png"), str(tmp_path / "a.ssplat"), "--size", "1500", "-e", "3", "--quiet"]
    with pytest.raises(SystemExit, match="0"):
        main([*arguments, "--log", str(tmp_path / "log"), "--checkpoint", str(tmp_path / "kept")])
    rows = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, len(errands) + 1))
    assert {row["of"] for row in rows} == {len(errands)}
    assert [row["done"] for row in rows] == [what for what, _ in errands]
    assert sorted(row["seconds"] for row in rows) == [row["seconds"] for row in rows]


def test_a_cluster_that_is_not_there_is_one_error(large, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("smartsplat.cluster.PATIENCE", 0.5)
    with pytest.raises(ClusterError, match="127"):
        encoded(dask="tcp://127.0.0.1:1")
    assert encoded(dask="tcp://127.0.0.1:1", effort=1).report.splats == 0  # nothing to share


def test_a_window_that_nobody_surrounds_is_seen_as_a_whole(large):
    part = windowed._parts(Job(to_planes(PICTURE), False, load_engine(), 2), 100, windows_of(160, 128, 64 * 64))
    turns = windowed.Turns(Job(to_planes(PICTURE), False, load_engine(), 2), part, "a")
    for number, one in enumerate(part):
        assert (turns._outer("fit", number) == one.window) == (one.colour < 2)
        assert turns._outer("settle", number).pixels > one.window.pixels
