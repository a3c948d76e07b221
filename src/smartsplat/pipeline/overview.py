"""The overview of a large picture: a small file of the picture reduced, so that all of it can be seen at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image

from smartsplat.coding.format import OVERVIEW
from smartsplat.file.overview import overview_section
from smartsplat.file.splatfile import SplatFile
from smartsplat.pictures.metadata import Metadata
from smartsplat.pictures.picture import Picture
from smartsplat.pictures.samples import Samples, bands, greatest, to_bytes
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


LEAST_BYTES = 64
"""That an overview is asked to have, so that something can be in it."""

LEAST_SHARE = 128
"""Bytes; in fewer there is little to be seen, and a file has none unless it is asked for."""


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
    size = _share(picture, options)
    if size is None:
        return envelope
    small = _reduced(picture, 1 << FACTOR_LOG)
    if small.alpha is None and not np.ptp(small.pixels, axis=(0, 1)).any():  # one colour
        return envelope
    few = Options(Target(size=size), effort=options.effort, seed=options.seed, overview=False, tune=options.tune)
    section = overview_section(encode(small, few).to_bytes(), FACTOR_LOG)
    return replace(envelope, metadata={OVERVIEW: section} | envelope.metadata)  # in front of all that is not seen first


def _share(picture: Picture, options: Options) -> int | None:
    """Bytes of the overview, at most; None if there is to be none."""
    pixels = picture.width * picture.height
    wanted = options.overview
    if wanted is False or (wanted is None and (pixels < LEAST_PIXELS or options.splats_only)):
        return None
    size = MOST_BITS / 8 * pixels / 4**FACTOR_LOG
    if options.target.psnr is None:
        share = SHARE * options.target.bytes_for(picture.width, picture.height, 0)
        if wanted is None and share < LEAST_SHARE:
            return None
        size = min(size, share)
    return max(int(size), LEAST_BYTES)


def _reduced(picture: Picture, factor: int) -> Picture:
    """Means of squares in 8 bits, without metadata; those at the last borders of what there is."""

    def reduced(samples: Samples) -> Samples:  # of bands, for Pillow needs a copy of what it reduces
        rows = [
            np.asarray(Image.fromarray(to_bytes(samples[top:bottom])).reduce(factor))
            for top, bottom in bands(samples.shape[1], samples.shape[0], factor)
        ]
        return np.concatenate(rows)

    alpha = None if picture.alpha is None else reduced(picture.alpha)
    opaque = alpha is None or alpha.min() == greatest(alpha)
    return Picture(reduced(picture.pixels), picture.grey, Metadata(), picture.name, alpha=None if opaque else alpha)
