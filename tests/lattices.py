"""Small lattices for tests: of a photo, and random ones."""

import numpy as np

from smartsplat.coding.format import lattice_step
from smartsplat.coding.lattice_section import Spectrum
from smartsplat.model.lattice import Lattice, lattice_shape
from tests.photos import photo


def photo_lattice(width, height, spacing=1):
    """A lattice with the colours of a cut of the photo."""
    rows, columns = lattice_shape(width, height, spacing)
    values = photo(columns, rows).transpose(2, 0, 1).astype(np.float32) / 255
    return Lattice(width, height, spacing, np.ascontiguousarray(values))


def photo_spectrum(width, height, spacing=1, *, grey=False):
    return Spectrum.of(photo_lattice(width, height, spacing), grey=grey)


def photo_coefficients(width, height, step_index=4372, *, grey=False):
    """Coefficients of such a lattice in units of the step_index's step, float32 [planes, rows, columns]."""
    return photo_spectrum(width, height, grey=grey).coefficients * np.float32(1 / lattice_step(step_index))


def random_lattice(rng, width, height, spacing, amplitude=0.4):
    values = rng.normal(0.5, amplitude, (3, *lattice_shape(width, height, spacing)))
    return Lattice(width, height, spacing, values.astype(np.float32))
