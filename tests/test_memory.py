"""How much memory pictures take while they are read and compared: beside the arrays, next to nothing."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from smartsplat.pictures.writing import save

pytestmark = pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="needs /proc")

MEASURE = """
    import sys
    import numpy as np
    from smartsplat import metrics
    from PIL import Image
    from smartsplat.pictures.reading import load

    def kilobytes(field):
        with open("/proc/self/status") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith(field))

    def peak(work):
        before = kilobytes("VmRSS")
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # the high-water mark starts anew
        work()
        return (kilobytes("VmHWM") - before) * 1024
"""


def bytes_per_pixel(work, pixels, *arguments):
    """Growth of a fresh process's peak memory by that work, beyond 10 MB."""
    script = textwrap.dedent(MEASURE) + textwrap.dedent(work)
    result = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, check=True)
    return (int(result.stdout) - 10e6) / pixels


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_reading_needs_pillows_four_bytes_and_our_three(tmp_path, name):
    y, x = np.mgrid[:2000, :3000]
    save(tmp_path / name, np.stack([x, y, x + y], axis=2).astype(np.uint8))
    work = """
        Image.init()
        print(peak(lambda: load(sys.argv[1])))
    """
    assert bytes_per_pixel(work, 6e6, str(tmp_path / name)) < 7


def test_comparing_needs_two_bytes_a_pixel():
    work = """
        a = np.arange(16_000_000 * 3, dtype=np.uint32).astype(np.uint8).reshape(4000, 4000, 3)
        b = a[::-1].copy()
        metrics.compare(a[:200, :200], b[:200, :200])
        print(peak(lambda: metrics.compare(a, b)))
    """
    assert bytes_per_pixel(work, 16e6) < 2
