"""Files of many small chunks."""

import numpy as np

from smartsplat.coding.container import Container
from smartsplat.coding.format import LATTICE, OVERVIEW, SPLATS
from smartsplat.coding.lattice_section import write_lattice
from smartsplat.coding.splat_codes import COLOURS, ENERGY, RATIO, SIZE, TURN
from smartsplat.coding.splat_section import write_splats
from smartsplat.file.overview import overview_section
from tests.codes import make_codes
from tests.lattices import photo_spectrum


def make_file(width, height, spacing, square_log, step_index=4000, overview=None):
    """Splats of up to 8 px, a lattice if there is a spacing, and perhaps an overview of an eighth."""
    codes = make_codes(1, 400, width, height)
    codes[:, SIZE] = np.minimum(codes[:, SIZE], 3 << codes[:, ENERGY])
    codes[:, RATIO] //= 4
    codes[:, TURN] = 0
    codes[:, COLOURS] = codes[:, COLOURS].clip(-20, 20)
    sections = {SPLATS: write_splats(codes, 40, width, height, square_log=square_log)[0]}
    if spacing:
        spectrum = photo_spectrum(width, height, spacing)
        sections[LATTICE] = write_lattice(spectrum, step_index, square_log=square_log).section
    if overview:
        sections[OVERVIEW] = overview_section(overview, 3)
    return Container(width, height, False, sections).to_bytes()
