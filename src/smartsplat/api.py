"""The functions that the package offers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from numpy.typing import DTypeLike, NDArray

from smartsplat.file.regions import Region
from smartsplat.file.renderer import MAX_OUTPUT_PIXELS
from smartsplat.file.splatfile import Source, SplatFile

if TYPE_CHECKING:
    from smartsplat.pictures.reading import Source as PictureSource

__all__ = ["decode", "encode", "open"]


def encode(
    source: PictureSource,
    *,
    cr: float | None = None,
    size: int | None = None,
    bpp: float | None = None,
    psnr: float | None = None,
    effort: int | None = None,
    preset: str = "default",
    engine: str = "auto",
    seed: int = 0,
    threads: int = 0,
    steps: int | None = None,
    flatten: str | None = None,
    icc: bool = True,
    exif: bool = True,
    max_pixels: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> SplatFile:
    """Encodes a picture.

    Args:
        source: the path of a picture file; its bytes; a file open in binary mode; an array, uint8, uint16 or float
            in [0, 1], [H, W] or [H, W, 1 to 4]; or a picture of Pillow, which is treated as its file would be.
        cr: compression ratio to reach: raw bytes, 3 for each pixel, over bytes of the file.
        size: or the bytes of the file.
        bpp: or its bits for each pixel. The file never has more bytes than these three ask for, and it has at
            least 97 % of them or lacks at most 8 (one splat). It may be smaller only if more was asked for than any
            picture needs (a third more than the raw one has counts as that), if the decoded picture is exact, or no
            better than one flat colour (which then is all there is in the file), or if all its splats, at most one
            for each pixel, are there at the finest quantisation.
        psnr: or the PSNR of the decoded picture, dB, at least. The file is the smallest found in at most twelve
            trials: usually within 0.25 dB, or exact.
            At most one of the four; none is ``cr=100`` for the picture, at least 256 bytes, and its metadata
            on top.
        effort: 1 (fast) to 9 (thorough), default 5.
        preset: ``default``, or ``paper``, which fits literally as the paper does.
        engine: see ``smartsplat.engines.load_engine``.
        seed: of all that is random, 0 to 2^63 - 1. The same seed, input, options and engine give the same bytes
            with the same versions of this package and of NumPy on the same kind of processor (by its vector
            instructions: AVX-512, AVX2, neither, ARM's). Elsewhere rounding differs, and with it the file.
        threads: threads to use, 0 for one for each processor; the bytes do not depend on it.
        steps: Adam steps of the preset ``paper``, default 50,000.
        flatten: colour to lay under a picture with transparency, such as ``white`` or ``#a0b0c0``.
        icc: keep the colour profile, if it is not sRGB.
        exif: keep EXIF, but for thumbnails; pictures are turned upright either way. If it is kept, a warning
            (``PictureWarning``) names other metadata of the file that are not: XMP, or a resolution.
        max_pixels: what the picture may have, default 400 million.
        progress: called with the part of the work that is done, 0 to 1; it starts anew with every trial of a
            search for a PSNR.

    Returns:
        The file; its ``report`` says how it went.

    Raises:
        OSError: the file cannot be opened: FileNotFoundError, IsADirectoryError, PermissionError, ...
        PictureError: the source is not a picture that can be encoded.
        TargetError: no file can be as asked.
        ValueError: an option is out of range, or of a type that makes no sense there.
    """
    from smartsplat.engines import load_engine
    from smartsplat.fitting.schedule import DEFAULT_EFFORT
    from smartsplat.pictures.picture import DEFAULT_MAX_PIXELS, with_metadata
    from smartsplat.pictures.reading import read
    from smartsplat.pipeline.encode import encode_picture
    from smartsplat.pipeline.options import Options
    from smartsplat.pipeline.target import Target

    options = Options(
        Target(cr, size, bpp, psnr), effort if effort is not None else DEFAULT_EFFORT, preset, seed, steps
    )
    limit = max_pixels if max_pixels is not None else DEFAULT_MAX_PIXELS
    picture = with_metadata(read(source, max_pixels=limit, flatten=flatten), icc=icc, exif=exif)
    return encode_picture(picture, options, load_engine(engine, threads), progress or (lambda _: None))


def open(source: Source) -> SplatFile:
    """Opens a ``.ssplat`` file: a path, bytes, or a file open in binary mode.

    Raises:
        OSError: the file cannot be opened: FileNotFoundError, IsADirectoryError, PermissionError, ...
        FormatError: it is not a valid one.
        TypeError: the source is none of these.
    """
    return SplatFile.open(source)


def decode(
    source: Source,
    *,
    scale: float = 1.0,
    region: Region | None = None,
    out: NDArray[Any] | None = None,
    dtype: DTypeLike | None = None,
    engine: str = "auto",
    threads: int = 0,
    max_pixels: int = MAX_OUTPUT_PIXELS,
) -> NDArray[Any]:
    """Decodes a file or its bytes to pixels; see ``open`` and ``SplatFile.render``."""
    return SplatFile.open(source).render(
        scale=scale, region=region, out=out, dtype=dtype, engine=engine, threads=threads, max_pixels=max_pixels
    )
