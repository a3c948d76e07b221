"""Sets of splats that are saved and loaded without a code, and what their files hold."""

import io
import re

import numpy as np
import pytest

import smartsplat
from smartsplat import SplatSet
from smartsplat.engines.reference import ReferenceCanvas
from smartsplat.errors import FormatError, OutputError
from smartsplat.file import ply
from smartsplat.model.view import View
from tests.conftest import random_splats


@pytest.fixture
def splat_set(rng):
    return SplatSet(random_splats(rng, 50, 70, 40), 70, 40)


def test_arrays_keep_every_bit(splat_set, tmp_path):
    splat_set.save(tmp_path / "a.npz")
    loaded = SplatSet.open(tmp_path / "a.npz")
    np.testing.assert_array_equal(loaded.splats.parameters, splat_set.splats.parameters)
    assert (loaded.width, loaded.height, len(loaded)) == (70, 40, 50)
    assert "50 splats, 70 x 40" in repr(loaded)


def test_arrays_are_named_and_say_their_units(splat_set, tmp_path):
    splat_set.save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        shapes = {name: (arrays[name].shape, arrays[name].dtype) for name in ("xy", "scale", "angle", "colour")}
        units = " ".join(arrays["units"])
        np.testing.assert_array_equal(arrays["xy"], splat_set.splats.xy)
        np.testing.assert_array_equal(arrays["angle"], splat_set.splats.angle)
    assert shapes == {
        "xy": ((50, 2), np.float32), "scale": ((50, 2), np.float32), "angle": ((50,), np.float32),
        "colour": ((50, 3), np.float32),
    }  # fmt: skip
    for words in ("xy: centres, px", "scale: standard deviations", "radians", "1.0 is 8-bit 255"):
        assert words in units


def naive_ply(data):
    """Names and rows of a PLY of floats."""
    head, body = data.split(b"end_header\n", 1)
    names = re.findall(rb"property float (\w+)", head)
    return [n.decode() for n in names], np.frombuffer(body, "<f4").reshape(-1, len(names))


def test_ply_has_the_columns_of_gaussian_splatting(splat_set, tmp_path):
    splat_set.save(tmp_path / "a.ply")
    names, rows = naive_ply((tmp_path / "a.ply").read_bytes())
    assert len(rows) == 50
    table, splats = dict(zip(names, rows.T.astype(float), strict=True)), splat_set.splats
    np.testing.assert_array_equal([table["x"], table["y"]], splats.xy.T)
    assert not table["z"].any()
    np.testing.assert_allclose(np.exp([table["scale_0"], table["scale_1"]]), splats.scale.T, rtol=1e-6)
    np.testing.assert_allclose([table[f"f_dc_{c}"] * 0.28209479 + 0.5 for c in range(3)], splats.colour.T, atol=1e-6)
    assert (1 / (1 + np.exp(-table["opacity"])) > 0.999999).all()
    quaternion = [table[f"rot_{k}"] for k in range(4)]
    turn = np.array([np.cos(splats.angle), np.sin(splats.angle)])  # the first axis, turned about z
    w, _, _, z = quaternion
    np.testing.assert_allclose([w * w - z * z, 2 * w * z], turn, atol=1e-6)
    assert not np.any(quaternion[1:3])


def test_ply_can_be_read_again(splat_set, tmp_path):
    splat_set.save(tmp_path / "a.ply")
    with (tmp_path / "a.ply").open("rb") as file:
        loaded = SplatSet.open(file)
    assert (loaded.width, loaded.height) == (70, 40)
    a, b = splat_set.splats, loaded.splats
    np.testing.assert_array_equal(a.xy, b.xy)
    np.testing.assert_allclose(a.scale, b.scale, rtol=1e-6)
    np.testing.assert_allclose(a.colour, b.colour, atol=1e-6)
    np.testing.assert_allclose(np.exp(1j * a.angle), np.exp(1j * b.angle), atol=1e-6)
    np.testing.assert_allclose(splat_set.render(), loaded.render(), atol=1e-5)


def test_a_set_is_seen_as_the_clamped_sum(splat_set):
    expected = np.clip(ReferenceCanvas(View(70, 40)).place(splat_set.splats).render(), 0, 1)
    picture = splat_set.render()
    assert picture.dtype == np.float32
    assert np.mean(np.abs(picture - expected) > 2e-5) < 2e-3
    assert splat_set.render(scale=0.5, dtype="uint8").shape == (20, 35, 3)
    assert splat_set.render(region=(10, 10, 8, 4), threads=1).shape == (4, 8, 3)


def test_sets_and_files_of_the_same_splats_look_the_same(splat_set):
    reader = smartsplat.Renderer(splat_set)
    np.testing.assert_array_equal(reader.render(dtype="float32"), splat_set.render())


@pytest.mark.parametrize("name", ["a.npz", "a.ply"])
def test_outputs_are_whole_and_kept(splat_set, tmp_path, name):
    path = tmp_path / name
    splat_set.save(path)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="exists"):
        SplatSet(splat_set.splats, 71, 40).save(path)
    assert path.read_bytes() == before
    SplatSet(splat_set.splats, 71, 40).save(path, overwrite=True)
    assert SplatSet.open(path).width == 71
    splat_set.save(path, overwrite=True)
    assert path.read_bytes() == before  # no time stands in it
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_other_extensions_are_refused(splat_set, tmp_path):
    with pytest.raises(OutputError, match=r"\.npz or \.ply"):
        splat_set.save(tmp_path / "a.txt")


def changed(data, before, after):
    assert before in data
    return data.replace(before, after)


def saved(splat_set, write):
    file = io.BytesIO()
    write(file, splat_set.splats, splat_set.width, splat_set.height)
    return file.getvalue()


def npz_with(splat_set, **other):
    s = splat_set.splats
    arrays = {"xy": s.xy, "scale": s.scale, "angle": s.angle, "colour": s.colour, "width": 70, "height": 40} | other
    file = io.BytesIO()
    np.savez(file, **{k: v for k, v in arrays.items() if v is not None})
    return file.getvalue()


def test_damaged_sets_are_refused_in_one_line(splat_set):
    good = saved(splat_set, ply.write)
    nothing = np.full((50, 2), np.nan, np.float32)
    bad = [
        b"", b"P", b"hello, world", good[:-1], good[:60], changed(good, b"float x", b"float q"),
        changed(good, b"picture 70", b"picture 0"), changed(good, b"comment smartsplat", b"comment something"),
        changed(good, b"little", b"medium"), npz_with(splat_set)[:-30], npz_with(splat_set, xy=None),
        npz_with(splat_set, xy=nothing), npz_with(splat_set, xy=nothing[:9]), npz_with(splat_set, width=0),
        npz_with(splat_set, angle=np.array([{}] * 50, object)), npz_with(splat_set, height=np.array("tall")),
        npz_with(splat_set, scale=np.zeros((50, 3))), npz_with(splat_set, xy=np.array(["a"] * 50)),
    ]  # fmt: skip
    for data in bad:
        with pytest.raises(FormatError) as caught:
            SplatSet.open(io.BytesIO(data))
        assert "\n" not in str(caught.value)


def test_files_that_are_wrong_are_named(tmp_path):
    with pytest.raises(FileNotFoundError):
        SplatSet.open(tmp_path / "none.npz")
    (tmp_path / "a.npz").write_bytes(b"no")
    with pytest.raises(FormatError, match=r"a\.npz"):
        SplatSet.open(tmp_path / "a.npz")


def test_an_empty_set_is_black(tmp_path):
    empty = SplatSet(smartsplat.Splats(np.zeros((0, 8), np.float32)), 8, 5)
    for name in ("a.npz", "a.ply"):
        empty.save(tmp_path / name)
        assert not SplatSet.open(tmp_path / name).render().any()
