import re

import numpy as np
import pytest
from PIL import Image

import smartsplat
from smartsplat import _native
from smartsplat.cli import main
from smartsplat.model.splats import Splats
from tests.photos import photo


@pytest.fixture
def rng():
    return np.random.default_rng(20240)


@pytest.fixture
def run(capfd):
    """Runs a command in this process: exit code, stdout, stderr."""

    def call(*arguments):
        with pytest.raises(SystemExit) as caught:
            main([str(a) for a in arguments])
        return caught.value.code, *capfd.readouterr()

    return call


@pytest.fixture
def large(monkeypatch):
    """Small pictures are large ones, of small windows."""
    for module in ("pilot", "windowed", "encode"):
        monkeypatch.setattr(f"smartsplat.pipeline.{module}.LARGE", 10_000)
    monkeypatch.setattr("smartsplat.pipeline.windowed.WINDOW_PIXELS", 64 * 64)
    monkeypatch.setattr("smartsplat.pipeline.windowed.WINDOW_BYTES", 100)


def random_splats(rng, count, width, height, scales=(0.5, 6.0), amplitude=0.4):
    """Splats anywhere on and just beyond a picture, of scales spread evenly in their logarithms."""
    return Splats.from_arrays(
        rng.uniform([-5, -5], [width + 5, height + 5], (count, 2)),
        np.exp(rng.uniform(*np.log(scales), (count, 2))),
        rng.uniform(-4, 4, count),
        rng.normal(0, amplitude, (count, 3)),
    )


def random_planes(rng, width, height):
    """A smooth random picture, uint8 [3, H, W], with some saturated areas."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x * rng.uniform(0.02, 0.3) + y * rng.uniform(0.02, 0.3) + rng.uniform(0, 6)) for _ in range(3)]
    return np.clip(128 + 160 * np.stack(waves), 0, 255).astype(np.uint8)


INSTRUCTION_SETS = [name for name in ("baseline", "avx2", "avx512") if _native.use_instruction_set(name)]
_native.use_instruction_set("")


@pytest.fixture(params=INSTRUCTION_SETS)
def instruction_set(request):
    """Every set of kernels that this machine can run."""
    assert _native.use_instruction_set(request.param)
    yield request.param
    _native.use_instruction_set("")


def named(value):
    """A value without its address, so that processes that share the tests out agree on their names."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a picture `a.png` of 60x40 px and its file `a.ssplat`."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo(60, 40)).save("a.png")
    (tmp_path / "a.ssplat").write_bytes(_encoded())
    return tmp_path


def _encoded(cache=[]):  # noqa: B006 (once for all tests)
    if not cache:
        cache.append(smartsplat.encode(photo(60, 40), effort=1).to_bytes())
    return cache[0]
