"""Short fits of the paper's tables on a thumbnail, for the tests and for what they are compared with."""

from smartsplat.bench.methods.make import make_method
from smartsplat.bench.methods.names import SYSTEMS
from tests.photos import thumbnail

FITS = ("smartsplat:paper", "smartsplat:official-code", *SYSTEMS)
STEPS, CR, SEED = 50, 20.0, 7


def gain(name):
    """PSNR before the first step and after the last one, dB."""
    rows = []
    make_method(name, steps=STEPS, seed=SEED, threads=1).run(thumbnail(), CR, rows.append, STEPS)
    assert [row["step"] for row in rows] == [0, STEPS]
    return rows[0]["psnr"], rows[1]["psnr"]
