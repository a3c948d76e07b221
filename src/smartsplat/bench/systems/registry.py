"""The compared systems by their names on the command line."""

from __future__ import annotations

from collections.abc import Mapping

from smartsplat.bench.systems.gaussianimage import GaussianImageCholesky, GaussianImageRS
from smartsplat.bench.systems.gaussians3d import Gaussians3D
from smartsplat.bench.systems.image_gs import ImageGS
from smartsplat.bench.systems.image_gs_harness import ImageGSHarness
from smartsplat.bench.systems.interface import System
from smartsplat.bench.systems.lig import Lig

SYSTEMS: Mapping[str, type[System]] = {
    "3dgs": Gaussians3D,
    "lig": Lig,
    "gi-rs": GaussianImageRS,
    "gi-cholesky": GaussianImageCholesky,
    "image-gs": ImageGSHarness,
    "image-gs:official": ImageGS,
}
