"""A thumbnail coded by AVIF in the place of the lattice: what the project's own smooth layer is compared with.

    python -m benchmarks.thumbnail PICTURE... [--cr 200,500]

Splats are fitted over the decoded and enlarged thumbnail (laid as a fine lattice, which follows it within a
hundredth of a dB) and coded in the bytes that it leaves. One row for each in benchmarks/results/thumbnail.jsonl.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from benchmarks.results import append, machine
from smartsplat.bench.formats import Avif
from smartsplat.bench.search import Shrinking
from smartsplat.engines import load_engine
from smartsplat.fitting.fit import fit
from smartsplat.fitting.lattice import solve_lattice
from smartsplat.fitting.levels import Pyramid, coarsest_level
from smartsplat.fitting.schedule import DEFAULT_EFFORT, EFFORTS
from smartsplat.model.report import psnr_of
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from smartsplat.pictures.planes import to_planes
from smartsplat.pictures.reading import load
from smartsplat.pipeline.compose import compose
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.plan import BYTES_PER_SPLAT, plan_for
from smartsplat.pipeline.rate import Scene, fill_splats
from smartsplat.pipeline.stages import NO_SPLATS
from smartsplat.sampling import base_scale, initialise_adaptive

SPACING = 2
OVERHEAD = 45  # bytes of the container


class OverLattice:
    """The engine with a lattice in every canvas."""

    def __init__(self, engine, lattice) -> None:
        self.name, self.threads, self._engine, self._lattice = engine.name, engine.threads, engine, lattice

    def canvas(self, view, lattice=None, **options):
        return self._engine.canvas(view, lattice or self._lattice, **options)


def residual(engine, pyramid, level):
    """What splats have to add, around a middle grey."""
    sums = 255 * pyramid.canvas(engine, level).place(NO_SPLATS).render().transpose(2, 0, 1)
    return np.ascontiguousarray((pyramid.levels[level] - sums + 128).clip(0, 255).astype(np.uint8))


def over_thumbnail(pixels, budget: int, factor: int, share: float) -> dict:
    height, width = pixels.shape[:2]
    codec = Shrinking("avif", Avif(6, 2), (factor,))
    encoded = codec.encode_to(pixels, int(share * budget))
    if encoded is None:
        return {"psnr": None}
    planes, base = to_planes(pixels), to_planes(codec.decode(encoded.data, width, height))
    frame = load_engine().canvas(View(width, height)).place(NO_SPLATS)
    engine = OverLattice(load_engine(), solve_lattice(frame, base, SPACING))
    left = budget - len(encoded.data)
    count = max(1, int(left / BYTES_PER_SPLAT[False]))
    pyramid = Pyramid.of(planes, coarsest_level(base_scale(height, width, count)))
    level = max(0, pyramid.coarsest - 1)
    start = Splats(initialise_adaptive(residual(engine, pyramid, level), 2.0**level, count, seed=0))
    start = start.clipped(width, height)
    splats = fit(engine, pyramid, start, EFFORTS[DEFAULT_EFFORT], seed=0, progress=lambda _: None)
    coded = fill_splats(Scene(pyramid.canvas(engine, 0), planes, splats), left)
    return {"psnr": psnr_of(coded.error, planes.size), "layer_bytes": len(encoded.data), "splats": len(coded.codes)}


def over_lattice(pixels, budget: int, share: float) -> dict:
    planes = to_planes(pixels)
    job = Job(planes, False, load_engine(), DEFAULT_EFFORT)
    composition = compose(job, plan_for(job.pixels, budget, 1 - share, grey=False))
    size = len(composition.lattice.section) if composition.lattice else 0
    return {
        "psnr": psnr_of(composition.error, planes.size),
        "layer_bytes": size,
        "splats": len(composition.splats.codes),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--cr", default="200,500")
    options = parser.parse_args()
    for path in options.pictures:
        pixels = load(path).pixels
        for cr in map(float, options.cr.split(",")):
            budget = int(pixels.size / cr) - OVERHEAD
            for share in (0.2, 0.4):
                rows = {f"thumbnail 1/{f}": over_thumbnail(pixels, budget, f, share) for f in (4, 8, 16)}
                rows["lattice"] = over_lattice(pixels, budget, share)
                for layer, found in rows.items():
                    row = {"picture": path.stem, "cr": cr, "layer": layer, "layer_share": share} | found
                    append("thumbnail", row | machine())
                    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
