import numpy as np
import pytest

from smartsplat import encode, metrics
from smartsplat.bench import search
from smartsplat.bench.codecs import make_codec
from smartsplat.bench.formats import Jpeg
from smartsplat.bench.names import NAMES, split_name
from smartsplat.cli.bench import CODECS, TUNES
from tests.bench_rows import soft_picture


@pytest.fixture(params=["jpeg", "webp", "jxl:3", "avif:9"])
def name(request):
    kind = request.param.partition(":")[0]
    if kind == "jxl":
        pytest.importorskip("imagecodecs")
    if kind == "avif":
        features = pytest.importorskip("PIL.features")
        if not features.check("avif"):
            pytest.skip("this Pillow has no AVIF")
    return request.param


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("allowed", [600, 1200, 6000])
def test_the_budget_is_kept_and_used(name, allowed, grey):
    pixels = soft_picture()
    if grey:
        pixels = np.repeat(pixels[:, :, :1], 3, axis=2)
    codec = make_codec(name)
    encoded = codec.encode_to(pixels, allowed)
    assert encoded is not None
    assert allowed / 3 < len(encoded.data) <= allowed
    decoded = codec.decode(encoded.data, 96, 64)
    assert decoded.shape == pixels.shape and decoded.dtype == np.uint8
    assert metrics.psnr(pixels, decoded) > (19 if allowed == 600 else 24)


def test_more_bytes_are_no_worse(name):
    pixels, codec = soft_picture(), make_codec(name)
    files = [codec.encode_to(pixels, allowed) for allowed in (700, 1400, 2800, 5600)]
    values = [metrics.psnr(pixels, codec.decode(file.data, 96, 64)) for file in files]
    assert values == sorted(values)


def test_a_budget_that_no_file_keeps(name):
    assert make_codec(name).encode_to(soft_picture(), 20) is None


def test_asking_again_gives_the_same_file(name):
    pixels = soft_picture()
    codec = make_codec(name)
    first = codec.encode_to(pixels, 1500).data
    codec.encode_to(soft_picture(seed=9), 900)
    codec.encode_to(pixels, 4000)
    assert codec.encode_to(pixels, 1500).data == first == make_codec(name).encode_to(pixels, 1500).data


def test_shrinking_helps_at_few_bytes_and_is_recorded():
    pixels = soft_picture(160, 240)
    plain = make_codec("jpeg", factors=(1,)).encode_to(pixels, 1500)
    codec = make_codec("jpeg")
    shrunk = codec.encode_to(pixels, 1500)
    assert plain is None or plain.factor == 1
    assert shrunk is not None and shrunk.factor > 1
    assert codec.settings["factors"] == [1, 2, 4, 8]
    assert codec.encode_to(pixels, 40_000).factor == 1


def test_the_best_of_all_factors_and_variants_is_found(monkeypatch):
    pixels, jpeg = soft_picture(), Jpeg()
    for allowed in (900, 1500, 3000, 6000):
        best = 0.0
        for factor in (1, 2, 4):
            small = search.resize(pixels, round(96 / factor), round(64 / factor))
            for variant in jpeg.variants(grey=False):
                files = [jpeg.encode(small, variant, step) for step in range(jpeg.steps)]
                fitting = [file for file in files if len(file) <= allowed]
                if fitting:
                    decoded = search.resize(jpeg.decode(fitting[-1]), 96, 64, "bicubic")
                    best = max(best, metrics.psnr(pixels, decoded))
        found = make_codec("jpeg", factors=(1, 2, 4)).encode_to(pixels, allowed)
        value = metrics.psnr(pixels, make_codec("jpeg").decode(found.data, 96, 64))
        assert value == pytest.approx(best, abs=0.05)  # sizes are not quite monotone in the knob


@pytest.mark.parametrize("seed", range(5))
def test_the_knob_is_found_in_few_steps(seed):
    random = np.random.default_rng(seed)
    steps = int(random.integers(1, 250))
    sizes = np.sort(np.exp(random.uniform(5, 14, steps)).astype(int))
    for allowed in np.exp(random.uniform(4, 15, 20)).astype(int):
        tried, step = {}, 0
        while step is not None:
            assert step not in tried
            tried[step] = int(sizes[step])
            step = search.next_step(tried, steps, int(allowed))
        expected = np.searchsorted(sizes, allowed, side="right") - 1
        assert max((s for s, size in tried.items() if size <= allowed), default=-1) == expected
        assert len(tried) <= 30


def test_names():
    assert split_name("avif:4") == ("avif", 4)
    assert split_name("smartsplat") == ("smartsplat", None)
    for wrong in ("bpg", "jpeg:3", "smartsplat:10", "avif:", "jxl:x", ""):
        with pytest.raises(ValueError, match="codec"):
            split_name(wrong)
    assert make_codec("webp:2").settings["method"] == 2


def test_the_command_line_knows_the_same_names():
    """It has them in its help, for which it does not load the bench."""
    assert CODECS == NAMES


def test_smartsplat_by_tune():
    codecs = {tune: make_codec("smartsplat:1", tune=tune) for tune in (None, *TUNES)}
    assert [codec.name for codec in codecs.values()] == [
        "smartsplat:1", "smartsplat psnr:1", "smartsplat:1", "smartsplat ssim:1", "smartsplat splats:1"
    ]  # fmt: skip
    assert codecs[None].settings == {"effort": 1, "tune": "balanced"}
    assert codecs["splats"].settings == {"effort": 1, "lattice": "none"}
    pixels = soft_picture()
    for tune in ("psnr", "splats"):
        options = {"lattice": "none"} if tune == "splats" else {"tune": tune}
        expected = encode(pixels, size=900, effort=1, threads=1, **options).to_bytes()
        assert codecs[tune].encode_to(pixels, 900).data == expected


def test_smartsplat_keeps_the_budget():
    pixels = soft_picture()
    codec = make_codec("smartsplat:1")
    assert codec.name == "smartsplat:1"
    encoded = codec.encode_to(pixels, 900)
    assert encoded is not None and len(encoded.data) <= 900
    assert metrics.psnr(pixels, codec.decode(encoded.data, 96, 64)) > 15
    grey = np.repeat(pixels[:, :, :1], 3, axis=2)
    assert codec.decode(codec.encode_to(grey, 900).data, 96, 64).shape == grey.shape
