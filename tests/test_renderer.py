"""Views from a Renderer: nothing is left out, whatever the region, the scale, the array, or the number of threads."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import smartsplat
from smartsplat import Renderer
from smartsplat.engines import load_engine
from smartsplat.errors import PictureError
from smartsplat.file.regions import view_of
from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import Splats
from tests.conftest import named, random_splats
from tests.lattices import random_lattice
from tests.photos import grey_photo, photo

# The same examples at every run, so that a failure can be had again.
many_views = settings(deadline=None, derandomize=True, database=None, max_examples=250)


class Scene:
    """What a Renderer asks of a file."""

    bits, alpha = 8, None

    def __init__(self, width, height, splats, lattice=None, *, grey=False):
        self.width, self.height, self.grey = width, height, grey
        self._splats, self._lattice = splats, lattice

    def check_decodable(self, max_pixels):
        pass

    def decode_splats(self, *, threads=0):
        return self._splats

    def decode_blocks(self, *, threads=0, max_work=1.0):
        return None

    def decode_lattice(self, *, threads=0, max_work=1.0):
        return self._lattice


def no_splats():
    return Splats(np.zeros((0, 8), np.float32))


def odd_splats(rng, count, width, height):
    """Of all sizes, on the picture and far from it; some are not finite, or have no extent."""
    p = random_splats(rng, count, width, height, (0.05, 8.0)).parameters.copy()
    kinds = rng.integers(0, 12, count)
    p[kinds == 0, 2:4] *= 200
    p[kinds == 1, 2] *= 1e4
    p[kinds == 2, 2:4] = rng.choice([0, 1e-30, 1e-6, 1e9, 1e18], (np.sum(kinds == 2), 2))
    p[kinds == 3, :2] += rng.normal(0, 300, (np.sum(kinds == 3), 2))
    odd = np.flatnonzero(kinds == 4)
    p[odd, rng.integers(0, 8, len(odd))] = rng.choice([np.nan, np.inf, -np.inf], len(odd))
    p[kinds == 5, 2:4] *= -1
    return Splats(p)


SCENES = {
    "few": lambda rng: Scene(97, 61, odd_splats(rng, 7, 97, 61)),
    "many": lambda rng: Scene(701, 333, odd_splats(rng, 6000, 701, 333)),
    "grey": lambda rng: Scene(255, 257, random_splats(rng, 500, 255, 257), grey=True),
    "wide": lambda rng: Scene(3001, 1, odd_splats(rng, 800, 3001, 1)),
    "one": lambda rng: Scene(1, 1, odd_splats(rng, 20, 1, 1)),
    "lattice": lambda rng: Scene(301, 203, no_splats(), random_lattice(rng, 301, 203, 1)),
    "coarse": lambda rng: Scene(301, 203, no_splats(), random_lattice(rng, 301, 203, 8), grey=True),
    "mixed": lambda rng: Scene(517, 390, odd_splats(rng, 900, 517, 390), random_lattice(rng, 517, 390, 2)),
    "nothing": lambda rng: Scene(40, 30, no_splats()),
}


@pytest.fixture(scope="module", params=SCENES)
def scene(request):
    return SCENES[request.param](np.random.default_rng(7))


@pytest.fixture(scope="module")
def mixed():
    return SCENES["mixed"](np.random.default_rng(7))


@pytest.fixture(scope="module")
def renderer(mixed):
    return Renderer(mixed)


def looked_through(scene, *, region=None, scale=1.0):
    """The view, from all splats, whether it shows them or not."""
    view = view_of(scene.width, scene.height, scale, region)
    canvas = load_engine("cpu").canvas(view, scene.decode_lattice())
    pixels = canvas.place(scene.decode_splats()).render_bytes()
    return pixels[:, :, 0] if scene.grey else pixels


def uses_pyramid(scene, scale):
    """Whether the lattice is so fine in a view that fewer nodes may stand for it; see tests/test_pyramid.py."""
    lattice = scene.decode_lattice()
    return lattice is not None and lattice.spacing * scale < 0.15


@st.composite
def views(draw, width, height):
    """A region of any place and size in the picture, and a scale that does not make it large."""
    shares = [draw(st.floats(0, 1)) for _ in range(4)]
    if draw(st.booleans()):  # small ones, of which whole pictures are scrolled through
        shares[2:] = [share / 20 for share in shares[2:]]
    left, top = shares[0] * width, shares[1] * height
    region = (left, top, max(shares[2] * (width - left), 1e-3), max(shares[3] * (height - top), 1e-3))
    if draw(st.booleans()):
        left, top = min(int(left), width - 1), min(int(top), height - 1)
        region = (left, top, max(1, int(shares[2] * (width - left))), max(1, int(shares[3] * (height - top))))
    if region[0] + region[2] > width or region[1] + region[3] > height:
        region = None
    scale = 2 ** draw(st.floats(-6, 3))
    longest = max(region[2:] if region else (width, height))
    return {"region": region, "scale": min(scale, 900 / longest)}


@given(data=st.data())
@many_views
def test_the_index_leaves_nothing_out(scene, data):
    served = Renderer(scene)
    for _ in range(3):
        options = data.draw(views(scene.width, scene.height))
        difference = np.abs(served.render(**options).astype(int) - looked_through(scene, **options))
        assert difference.max() <= (1 if uses_pyramid(scene, options["scale"]) else 0)


def test_splats_that_reach_a_view_from_its_rim_and_from_far():
    """Around a small view stand splats of every size that just touch it, or just do not."""
    angles, sizes = np.meshgrid(np.linspace(0, 6.2, 40), 2.0 ** np.arange(-3, 9))
    for reach in (0.9, 0.999, 1.001, 1.1):
        distance = 4 + reach * sizes * np.sqrt(2 * np.log(255))
        xy = 500 + np.stack([np.cos(angles), np.sin(angles)], 2) * distance[..., None]
        count = angles.size
        splats = Splats.from_arrays(
            xy.reshape(count, 2), np.repeat(sizes.reshape(count, 1), 2, 1), np.zeros(count), np.ones((count, 3))
        )
        scene = Scene(1000, 1000, splats)
        served = Renderer(scene)
        for scale in (0.05, 0.3, 1, 7):
            options = {"region": (496, 496, 8, 8), "scale": scale}
            np.testing.assert_array_equal(served.render(**options), looked_through(scene, **options))


@pytest.mark.parametrize("region", [None, (100, 80, 64, 48), (0.5, 10.25, 33.3, 200)], ids=str)
@pytest.mark.parametrize("scale", [0.25, 1, 2.5])
def test_the_reference_engine_agrees(region, scale):
    rng = np.random.default_rng(3)
    scene = Scene(300, 220, random_splats(rng, 150, 300, 220), random_lattice(rng, 300, 220, 2))
    if region is None:
        scale = min(scale, 1)
    found, expected = (
        Renderer(scene, engine=name).render(region=region, scale=scale).astype(int) for name in ("cpu", "reference")
    )
    assert np.abs(found - expected).max() <= 3
    assert np.mean(found != expected) < 0.01


# Where to


REGION, SHAPE = (100, 90, 200, 150), (150, 200, 3)


@pytest.fixture(scope="module")
def expected(renderer):
    return renderer.render(region=REGION)


def larger(dtype=np.uint8):
    return np.full((190, 260, 3), 77, dtype)


@pytest.mark.parametrize(
    "cut",
    [
        lambda a: np.empty(SHAPE, np.uint8),
        lambda a: a[20:170, 30:230],
        lambda a: a[19:169, :200],
        lambda a: a[169:19:-1, 60:],
        lambda a: np.empty((300, 200, 3), np.uint8)[::2],
        lambda a: np.frombuffer(bytearray(150 * 200 * 3), np.uint8).reshape(SHAPE),
    ],
    ids=["own", "inside", "left", "upwards", "every other row", "bytearray"],
)
def test_draws_into_arrays_and_beside_them_nothing(renderer, expected, cut):
    around = larger()
    out = cut(around)
    assert renderer.render(region=REGION, out=out) is out
    np.testing.assert_array_equal(out, expected)
    if np.shares_memory(out, around):
        out[...] = 77
        assert (around == 77).all()


def read_only():
    out = np.empty(SHAPE, np.uint8)
    out.flags.writeable = False
    return out


@pytest.mark.parametrize(
    "out",
    [
        read_only(),
        np.empty((150, 201, 3), np.uint8),
        np.empty((200, 150, 3), np.uint8),
        np.empty((150, 200), np.uint8),
        np.empty((150, 200, 4), np.uint8),
        np.empty(SHAPE, np.int8),
        np.empty(SHAPE, np.float64),
        np.empty(SHAPE, ">f4"),
        np.empty(SHAPE, np.uint8, order="F"),
        np.empty((150, 400, 3), np.uint8)[:, ::2],
        np.empty((150, 200, 6), np.uint8)[:, :, ::2],
        np.empty(SHAPE, np.uint8)[:, ::-1],
        np.empty(SHAPE, np.uint8)[:, :, ::-1],
        np.broadcast_to(np.empty((150, 200, 1), np.uint8), SHAPE),
        np.broadcast_to(np.empty((1, 200, 3), np.uint8), SHAPE),
        np.empty(SHAPE, object),
    ],
    ids=[
        "read-only", "too wide", "turned", "grey", "alpha", "int8", "double", "other bytes", "columns first",
        "every other pixel", "every other channel", "leftwards", "bgr", "one channel", "one row", "objects",
    ],
)  # fmt: skip
def test_refuses_arrays_that_it_cannot_draw_into(renderer, out):
    with pytest.raises(ValueError, match=r"array|pixels of a row"):
        renderer.render(region=REGION, out=out)


@pytest.mark.parametrize("out", [[[1]], "abc", 5, b"abc", memoryview(bytearray(90_000))], ids=named)
def test_refuses_what_is_no_array(renderer, out):
    with pytest.raises((TypeError, ValueError)) as caught:
        renderer.render(region=REGION, out=out)
    assert "array" in str(caught.value)


@pytest.mark.parametrize("dtype", [np.int16, np.float64, np.int32, bool, ">f4"])
def test_refuses_other_types(renderer, dtype):
    with pytest.raises(ValueError, match="uint8, uint16 or float32"):
        renderer.render(region=REGION, dtype=dtype)


def test_the_type_of_an_array_must_be_the_one_asked_for(renderer):
    with pytest.raises(ValueError, match="float32"):
        renderer.render(region=REGION, out=np.empty(SHAPE, np.uint8), dtype=np.float32)
    out = np.empty(SHAPE, np.float32)
    assert renderer.render(region=REGION, out=out, dtype="f4") is out


@pytest.mark.parametrize("options", [{}, {"region": REGION}, {"region": (3.5, 1, 400, 30), "scale": 0.3}], ids=str)
def test_floats_are_the_clamped_sums(mixed, renderer, options):
    view = view_of(mixed.width, mixed.height, options.get("scale", 1.0), options.get("region"))
    sums = load_engine("cpu").canvas(view, mixed.decode_lattice()).place(mixed.decode_splats()).render()
    assert sums.min() < 0 and sums.max() > 1  # so that there is something to clamp
    found = renderer.render(dtype=np.float32, **options)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, sums.clip(0, 1))
    inside = np.full((view.height + 2, view.width + 2, 3), 9, np.float32)
    renderer.render(out=inside[1:-1, 1:-1], **options)
    np.testing.assert_array_equal(inside[1:-1, 1:-1], found)
    inside[1:-1, 1:-1] = 9
    assert (inside == 9).all()
    assert np.abs(np.rint(found * 255) - renderer.render(**options)).max() <= 1  # halves go either way


def test_grey_floats():
    scene = SCENES["grey"](np.random.default_rng(1))
    found = Renderer(scene).render(dtype=np.float32)
    assert found.shape == (257, 255)
    assert found.min() >= 0 and found.max() <= 1
    assert np.abs(np.rint(found * 255) - Renderer(scene).render()).max() <= 1


# Threads


@pytest.mark.parametrize("threads", [1, 2, 5, 1000])
@pytest.mark.parametrize("options", [{}, {"region": REGION, "scale": 1.7}], ids=str)
def test_any_number_of_threads_draws_the_same(mixed, renderer, threads, options):
    usual = renderer.render(**options)
    np.testing.assert_array_equal(renderer.render(threads=threads, **options), usual)
    np.testing.assert_array_equal(Renderer(mixed, threads=threads).render(**options), usual)


def cpu_share(work, seconds=0.4):
    """Processors that the whole process keeps busy while it does that again and again."""
    work()
    started, busy = time.perf_counter(), time.process_time()
    while time.perf_counter() - started < seconds:
        work()
    return (time.process_time() - busy) / (time.perf_counter() - started)


def test_one_thread_is_one_thread(renderer):
    """Also right after a call with more of them."""
    renderer.render(threads=4)
    assert cpu_share(lambda: renderer.render(threads=1)) < 1.2


def test_threads_of_one_caller_do_not_concern_another(renderer):
    """Each of two callers gets the same pixels as alone, and as many threads as it asks for."""
    expected, until, wrong = renderer.render(), time.perf_counter() + 1, []

    def serve(threads):
        while time.perf_counter() < until:
            if not np.array_equal(renderer.render(threads=threads), expected):
                wrong.append(threads)

    callers = [threading.Thread(target=serve, args=(threads,)) for threads in (1, 3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


@pytest.mark.parametrize("threads", [1, 2])
def test_many_threads_render_from_one_renderer(threads):
    """Also while the first views make what all of them share."""
    rng = np.random.default_rng(5)
    scene = Scene(1500, 1100, odd_splats(rng, 20_000, 1500, 1100), random_lattice(rng, 1500, 1100, 2))
    regions = [(int(x), int(y), 256, 256) for x, y in rng.integers(0, (1500 - 256, 1100 - 256), (24, 2))]
    alone = Renderer(scene)
    expected = [alone.render(region=region, threads=1) for region in regions]
    shared, barrier, until = Renderer(scene), threading.Barrier(8), time.perf_counter() + 1.0

    def serve(seed):
        order, views = np.random.default_rng(seed), 0
        out = np.empty((256, 256, 3), np.uint8)
        barrier.wait()
        while views < 2 or time.perf_counter() < until:  # a slow machine takes longer
            k = order.integers(len(regions))
            shared.render(region=regions[k], threads=threads, out=out)
            np.testing.assert_array_equal(out, expected[k])
            views += 1
        return views

    with ThreadPoolExecutor(8) as pool:
        assert all(views > 1 for views in pool.map(serve, range(8)))


# What part


@pytest.mark.parametrize(
    "kind",
    [
        list, tuple, lambda r: iter(r), lambda r: map(str, r), np.array,
        *(lambda r, t=t: np.array(r, t) for t in (np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64,
                                                 np.uint64, np.float16, np.float32, np.float64, np.longdouble)),
        lambda r: [np.uint64(v) for v in r], lambda r: [np.array(v) for v in r],
    ],
)  # fmt: skip
def test_regions_of_every_kind(renderer, kind):
    expected = renderer.render(region=(100, 90, 110, 80))
    np.testing.assert_array_equal(renderer.render(region=kind([100, 90, 110, 80])), expected)


def test_regions_of_small_numbers(renderer):
    expected = renderer.render(region=(1, 2, 100, 90))
    np.testing.assert_array_equal(renderer.render(region=np.array([1, 2, 100, 90], np.int8)), expected)


@pytest.mark.parametrize(
    "region",
    [
        (), 0, 5.0, "abcd", "1234567", "", type(None), b"", (1, 2, 3), (1, 2, 3, 4, 5), [[1, 2, 3, 4]],
        ("a", "b", "c", "d"), (1, 2, None, 4), (1, 2, 3j, 4), (0, 0, np.nan, 5), (np.nan, 0, 5, 5), (0, 0, np.inf, 5),
        (-np.inf, 0, 5, 5), (0, 0, 10**400, 5), (0, 0, 5, "x\ny"), np.zeros((2, 4)), np.zeros(3), {}, {"x": 1},
        np.ma.masked, object(), (0, 0, 0, 0), (0, 0, -1, 5), (516.5, 0, 1, 1),
    ],
    ids=lambda r: f"{type(r).__name__}-{str(r)[:12]!r}".replace("object at", ""),
)  # fmt: skip
def test_other_regions_are_one_line(renderer, region):
    with pytest.raises(PictureError) as caught:
        renderer.render(region=region)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("scale", ["x", None, (1,), 0, -1, np.nan, np.inf, 10**400, 1j])
def test_other_scales_are_one_line(renderer, scale):
    with pytest.raises(PictureError) as caught:
        renderer.render(region=(0, 0, 1, 1), scale=scale)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(("parts", "side"), [(6, 100), (7, 100), (3, 1), (49, 517), (11, 390)])
def test_strips_that_end_beyond_the_border_by_a_rounding_error(parts, side):
    scene = Scene(side, side, random_splats(np.random.default_rng(0), 50, side, side))
    served = Renderer(scene)
    for i in range(parts):
        start, length = i * side / parts, side / parts
        for region in ((0, start, side, length), (start, 0, length, side)):
            found = served.render(region=region, scale=3)
            expected = 3 * length
            assert abs(found.size / 3 / (3 * side) - expected) <= 1


@pytest.mark.parametrize("number", [np.float32, lambda value: round(float(value), 3)], ids=["single", "typed"])
@pytest.mark.parametrize(("parts", "side"), [(6, 100), (7, 100), (3, 100), (11, 390), (49, 517)])
def test_strips_of_numbers_that_are_rounded(parts, side, number):
    """All are as large as each other, and show what the exact ones do."""
    served = Renderer(Scene(side, side, random_splats(np.random.default_rng(0), 50, side, side)))
    length = number(side / parts)
    for i in range(parts):
        exact = served.render(region=(i * side / parts, 0, side / parts, side), scale=2)
        found = served.render(region=(number(i * length), 0, length, side), scale=2)
        assert found.shape == exact.shape
        assert np.abs(found.astype(int) - exact).mean() < 1


@pytest.mark.parametrize("border", [-0.02, 0.02])
def test_more_than_a_rounding_error_beyond_the_border_is_refused(renderer, border):
    for region in ((min(border, 0), 0, 517 + max(border, 0), 10), (0, min(border, 0), 10, 390 + max(border, 0))):
        with pytest.raises(PictureError, match="not within"):
            renderer.render(region=region)


def test_single_precision_reaches_the_border(renderer):
    """Tiles of a seventh, computed in single precision, end beyond the border by their own rounding errors."""
    side = np.float32(517) / np.float32(7)
    for i in range(7):
        pixels = renderer.render(region=np.array([i * side, 0, side, 10], np.float32))
        assert pixels.shape == (10, 74, 3)


def test_boxes_of_pillow(renderer):
    region = smartsplat.region_from_box((100, 90, 300, 240))
    assert region == REGION
    np.testing.assert_array_equal(renderer.render(region=region), renderer.render(region=REGION))
    assert smartsplat.region_from_box(np.array([1, 2, 3, 5], np.uint8)) == (1, 2, 2, 3)
    for box in ((), (1, 2, 3), 5, "abcd", None):
        with pytest.raises(PictureError):
            smartsplat.region_from_box(box)


# As fine and as coarse as can be asked for


def smooth():
    """Wide splats over a wide lattice: very near to it, all of it looks flat."""
    rng = np.random.default_rng(2)
    return Scene(400, 300, random_splats(rng, 60, 400, 300, (40, 90), 0.05), random_lattice(rng, 400, 300, 64, 0.2))


@pytest.mark.parametrize("exponent", [-3, -6, -9, -12, -50, -200, -300, -320])
@pytest.mark.parametrize("sides", [(1, 1), (1, 0), (0, 1)], ids=["square", "low", "narrow"])
def test_very_near_all_looks_flat_or_is_refused(exponent, sides):
    """Never black: too near is an error of one line."""
    served, size = Renderer(smooth()), 10.0**exponent
    width, height = (size if side else 8.0 for side in sides)
    expected = served.render(region=(200, 150, 1e-2 if sides[0] else 8, 1e-2 if sides[1] else 8), scale=1).astype(int)
    assert expected.min() > 20
    for scale in (1, 0.5, 2 / size if size > 1e-300 else 2):
        try:
            found = served.render(region=(200, 150, width, height), scale=scale, max_pixels=10**7)
        except PictureError as error:
            assert str(error).isprintable()
            assert exponent <= -9 or scale > 2
        else:
            flat = found.reshape(-1, 3).mean(0) - expected.reshape(-1, 3).mean(0)
            assert np.abs(flat).max() <= 3
            assert exponent >= -12


def test_very_far_everything_is_one_pixel():
    served = Renderer(smooth())
    mean = served.render().reshape(-1, 3).mean(0)
    for scale in (1e-3, 1e-9, 1e-300):
        found = served.render(scale=scale)
        assert found.shape == (1, 1, 3)
        assert np.abs(found[0, 0] - mean).max() < 20  # the rim's splats reach beyond the picture


# How many pixels


@pytest.mark.parametrize("limit", [np.nan, np.inf, -1, 0, True, False, 1.5, 1e6, "7", np.float64(9)], ids=repr)
def test_other_limits_than_whole_numbers_are_refused(mixed, renderer, limit):
    file = smartsplat.encode(photo(32, 32), size=300, effort=1)
    for door in (
        lambda: renderer.render(max_pixels=limit),
        lambda: Renderer(mixed, max_pixels=limit),
        lambda: Renderer(file, max_pixels=limit),
        lambda: file.render(max_pixels=limit),
        lambda: file.to_pil(max_pixels=limit),
        lambda: smartsplat.decode(bytes(file), max_pixels=limit),
    ):
        with pytest.raises(ValueError, match="max_pixels") as caught:
            door()
        assert not isinstance(caught.value, PictureError)


def test_limits_are_the_renderers_unless_a_call_says_otherwise(mixed):
    served = Renderer(mixed, max_pixels=100)
    assert served.render(region=(0, 0, 10, 10)).shape == (10, 10, 3)
    assert served.render(region=(0, 0, 20, 10), max_pixels=np.int64(200)).shape == (10, 20, 3)
    for options in ({"region": (0, 0, 11, 10)}, {"region": (0, 0, 21, 10), "max_pixels": 200}, {"scale": 1e6}):
        with pytest.raises(PictureError, match="max_pixels"):
            served.render(**options)


# Of files


@pytest.fixture(scope="module", params=["colour", "grey"])
def file(request):
    picture = photo(192, 128) if request.param == "colour" else grey_photo()
    return smartsplat.encode(picture, cr=30, effort=1)


def test_a_file_renders_as_its_renderer_does(file):
    served = Renderer(file)
    assert repr(file) in repr(served)
    for options in ({}, {"scale": 0.3}, {"region": (5, 6, 30, 20), "scale": 2}, {"dtype": np.float32}, {"threads": 2}):
        np.testing.assert_array_equal(file.render(**options), served.render(**options))
        np.testing.assert_array_equal(smartsplat.decode(bytes(file), **options), served.render(**options))
    out = np.zeros(file.shape, np.uint8)
    assert file.render(out=out) is out
    np.testing.assert_array_equal(out, served.render())


def test_a_renderer_outlives_its_file():
    picture = smartsplat.encode(photo(192, 128), cr=30, effort=1)
    served, expected = Renderer(smartsplat.open(bytes(picture))), picture.render()
    del picture
    np.testing.assert_array_equal(served.render(), expected)


def test_the_splats_of_a_renderer_may_lie_anywhere_in_memory():
    """Rows that do not lie side by side are copied, and the copy lives as long as the renderer."""
    parameters = random_splats(np.random.default_rng(0), 300, 90, 70).parameters
    spread = np.repeat(parameters, 2, axis=0)[::2]
    lattice = random_lattice(np.random.default_rng(1), 90, 70, 1)
    turned = Lattice(90, 70, 1, np.asfortranarray(lattice.values))
    served = Renderer(Scene(90, 70, Splats(spread), turned))
    expected = Renderer(Scene(90, 70, Splats(parameters), lattice)).render(region=(3, 4, 50, 40))
    del spread, turned
    np.testing.assert_array_equal(served.render(region=(3, 4, 50, 40)), expected)


@pytest.mark.parametrize("region", [None, (10, 20, 60, 40)])
def test_a_size_is_a_scale_where_it_keeps_the_shape(picture_of_sizes, region):
    across, down = (96, 64) if region is None else region[2:]
    renderer = smartsplat.Renderer(picture_of_sizes)
    for scale in (0.5, 1, 2):
        sized = renderer.render(region=region, size=(int(across * scale), int(down * scale)))
        assert np.array_equal(sized, renderer.render(region=region, scale=scale))


@pytest.mark.parametrize("size", [(48, 64), (96, 200), (7, 3), (1, 1)])
def test_a_size_may_stretch_the_picture(picture_of_sizes, size):
    found = smartsplat.Renderer(picture_of_sizes).render(size=size).astype(int)
    assert found.shape == (size[1], size[0], 3)
    expected = smartsplat.Renderer(picture_of_sizes, engine="reference").render(size=size)
    assert np.abs(found - expected).max() <= 1
    if min(size) > 40:  # few pixels see much of the black beyond the picture
        whole = smartsplat.Renderer(picture_of_sizes).render()
        assert np.abs(found.mean(axis=(0, 1)) - whole.mean(axis=(0, 1))).max() < 4


@pytest.mark.parametrize("size", [(0, 5), (5, -1), (5,), (1.5, 2), "ab", True, (10**6, 10**6)])
def test_impossible_sizes_are_refused(picture_of_sizes, size):
    with pytest.raises((TypeError, ValueError)):
        smartsplat.Renderer(picture_of_sizes).render(size=size)


@pytest.fixture(scope="module")
def picture_of_sizes():
    return smartsplat.encode(photo(96, 64), cr=20, effort=1)


def test_a_size_goes_without_a_scale(picture_of_sizes):
    with pytest.raises(ValueError, match="scale"):
        picture_of_sizes.render(scale=0.5, size=(4, 4))


@pytest.mark.parametrize("options", [{}, {"scale": 1.7}, {"region": (5, 7, 80.5, 50)}, {"size": (100, 300)}], ids=str)
def test_strips_are_the_picture(picture_of_sizes, monkeypatch, options):
    monkeypatch.setattr("smartsplat.file.renderer.STRIP_BYTES", 20_000)
    whole = picture_of_sizes.render(**options)
    strips = list(picture_of_sizes.strips(**options))
    assert len(strips) == -(-len(whole) // 64)
    assert np.abs(np.concatenate(strips).astype(int) - whole).max() <= 1
