"""The overview of a large picture: a small file of the picture reduced, so that all of it can be seen at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from smartsplat.coding.format import OVERVIEW
from smartsplat.file.overview import overview_section
from smartsplat.file.splatfile import SplatFile
from smartsplat.pictures.metadata import Metadata
from smartsplat.pictures.picture import Picture
from smartsplat.pipeline.budget import Envelope
from smartsplat.pipeline.options import Options
from smartsplat.pipeline.target import Target

FACTOR_LOG = 3
"""log2 of the px of the picture for one of its overview."""

LEAST_PIXELS = 32_000_000
"""Of a picture that has an overview unless it is said otherwise."""

SHARE = 0.025
"""Part of the bytes asked for that it takes at most. A web page then shows the whole picture for 3 % of the file."""

MOST_BITS = 0.25
"""For each of its pixels, likewise: more than a page that is fetched first should have."""


def is_wanted(picture: Picture, options: Options) -> bool:
    """Whether the file will have one."""
    if options.overview is not None:
        return options.overview and min(picture.width, picture.height) > 1
    return picture.width * picture.height >= LEAST_PIXELS and not options.splats_only


def with_overview(
    envelope: Envelope, picture: Picture, options: Options, encode: Callable[[Picture, Options], SplatFile]
) -> Envelope:
    """The envelope, with an overview if the file will have one.

    Args:
        envelope: without.
        picture: to be encoded.
        options: how.
        encode: makes the file of a picture.
    """
    if not is_wanted(picture, options):
        return envelope
    pixels = _reduced(picture.pixels, 1 << FACTOR_LOG)
    height, width = pixels.shape[:2]
    size = MOST_BITS / 8 * width * height
    if options.target.psnr is None:
        size = min(size, SHARE * options.target.bytes_for(picture.width, picture.height, 0))
    few = Options(Target(size=max(int(size), LEAST_BYTES)), effort=options.effort, seed=options.seed, overview=False)
    file = encode(replace(picture, pixels=pixels, metadata=Metadata()), few)
    section = overview_section(file.to_bytes(), FACTOR_LOG)
    return replace(envelope, metadata=envelope.metadata | {OVERVIEW: section})


LEAST_BYTES = 64
"""That an overview is asked to have, so that something can be in it."""


def _reduced(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Means of squares, rounded; those at the last borders of what there is."""
    return np.asarray(Image.fromarray(pixels).reduce(factor))
