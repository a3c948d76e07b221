"""The functions that the package offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import DTypeLike, NDArray

from smartsplat.file.regions import Region
from smartsplat.file.renderer import MAX_OUTPUT_PIXELS
from smartsplat.file.splatfile import Source, SplatFile
from smartsplat.model.numbers import whole_number
from smartsplat.pictures.files import PathLike

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
    splats: int | None = None,
    effort: int | None = None,
    preset: str = "default",
    lattice: str = "auto",
    tune: str | None = None,
    engine: str = "auto",
    seed: int = 0,
    threads: int = 0,
    steps: int | None = None,
    constants: Mapping[str, Any] | None = None,
    checkpoint: PathLike | None = None,
    log: Callable[[dict[str, Any]], None] | None = None,
    log_every: int = 100,
    measure: bool = False,
    overview: bool | None = None,
    flatten: str | None = None,
    value_range: tuple[float, float] | None = None,
    icc: bool = True,
    exif: bool = True,
    xmp: bool = True,
    resolution: bool = True,
    max_pixels: int | None = None,
    memory: int | None = None,
    dask: str | None = None,
    workers: int = 0,
    progress: Callable[[float], None] | None = None,
) -> SplatFile:
    """Encodes a picture.

    Args:
        source: the path of a picture file; its bytes; a file open in binary mode; an array, uint8, uint16 or float,
            [H, W] or [H, W, 1 to 4]; or a picture of Pillow, which is treated as its file would be. Samples have 8 to
            16 bits. Alpha, not multiplied with the colours, is kept unless all of it is opaque; colours under full
            transparency are not.
        cr: compression ratio to reach: raw bytes, 3 for each pixel, over bytes of the file.
        size: or the bytes of the file.
        bpp: or its bits for each pixel. The file never has more bytes than these three ask for, and it has at
            least 97 % of them or lacks at most 8 (one splat). It may be smaller only if more was asked for than any
            picture needs (a third more than the raw one has counts as that), if the decoded picture is exact, or no
            better than one flat colour (which then is all there is in the file), or if all its splats, at most one
            for each pixel, are there at the finest quantisation.
        psnr: or the PSNR of the decoded picture, dB, at least; of a picture with alpha that of its visible colours
            and that of its alpha. The file is the smallest found in at most twelve trials: usually within 0.25 dB, or
            exact.
        splats: or how many splats are fitted, where there is no lattice; the file has 7 bytes for each, and what is
            around them on top.
            At most one of the five; none is ``cr=100`` for the picture, at least 256 bytes, and its metadata
            on top.
        effort: of the preset ``default``, 1 (fast) to 9 (thorough), default 5.
        preset: ``default``; ``paper``, which starts, fits and codes splats as the paper says, or ``official-code``, as
            the code that was published with it. For these two ``cr``, ``size`` and ``bpp`` are nominal as well: they
            decide the number of splats by Eq. 5, 7 bytes each; see docs/paper.md.
        lattice: ``auto``, or ``none`` for splats alone in the preset ``default`` (the others have none).
        tune: of the preset ``default``, what splats are fitted and the lattice is chosen for: ``psnr``; ``ssim``, for
            MS-SSIM, for about half a dB; or ``balanced``, the default, half of that gain for about a tenth. With
            ``psnr=`` or splats alone the default is ``psnr``.
        engine: see ``smartsplat.engines.load_engine``.
        seed: of all that is random, 0 to 2^63 - 1. The same seed, input, options and engine give the same bytes
            with the same versions of this package and of NumPy on the same kind of processor (by its vector
            instructions: AVX-512, AVX2, neither, ARM's). Elsewhere rounding differs, and with it the file.
        threads: threads to use, 0 for one for each processor; the bytes do not depend on it.
        steps: Adam steps of the presets ``paper`` and ``official-code``, default 50,000.
        constants: other values of their constants, by the names of ``smartsplat.Recipe``.
        checkpoint: file that keeps their fit: one that was broken off goes on from there to the same bytes, and one
            that is done can have more ``steps``. It is written every ten seconds or so, and when the fit ends or is
            interrupted; what is there and is no checkpoint of this fit is refused and kept.
            In the preset ``default`` it keeps the windows of pictures of more than 32 megapixels; there is nothing to
            keep of others, or at efforts 1 and 2.
        log: called with a row for every so many steps of the fit of splats, and for its last one: ``step``,
            ``seconds`` since the beginning, ``loss``, ``psnr`` (of the picture at its full size before it is rounded
            to 8 bits). The time that rows take is not counted. A search for a PSNR tells of each of its trials.
            Of pictures of more than 32 megapixels, whose splats are fitted window by window, a row says how many pieces
            of work are done: ``step``, ``of`` so many, ``seconds``, and what was ``done``: fit, settle or round.
        log_every: steps from one row to the next.
        measure: have the report's ``quality`` and ``quality_float`` as well: SSIM and MS-SSIM of the decoded picture,
            and of the splats before they were coded (most of a second a megapixel).
        overview: keep a small file of the picture reduced to an eighth in the file, for at most 2.5 % of the bytes
            asked for, so that all of it can be seen at once; default: from 32 megapixels on, unless splats are alone.
        flatten: colour to lay under a picture with transparency, such as ``white`` or ``#a0b0c0``, in place of its
            alpha.
        value_range: what floats are black and full intensity (and transparent and opaque); they are refused without.
        icc: keep the colour profile, if it is not sRGB, or a code that says what no profile can, such as HDR.
        exif: keep EXIF, but for thumbnails; pictures are turned upright either way.
        xmp: keep XMP.
        resolution: keep a resolution that is not in EXIF and says something (not 72 or 96 px an inch).
            A warning (``PictureWarning``) and the report name metadata that are lost though they should be kept.
        max_pixels: what the picture may have, default 400 million.
        memory: bytes that this process should take at most, about, from 2^28 on; default: half of what is free. What
            has no room lies in files without names (in ``TMPDIR`` or ``/var/tmp``), whose pages are the system's cache.
            The bytes of the file do not depend on it.
        dask: address of a scheduler of dask.distributed, or ``local``: its workers fit the windows of a picture of more
            than 32 megapixels, to the same bytes (on the same kind of processor).
        workers: of ``local``, 0 for one for each processor.
        progress: called with the part of the work that is done, 0 to 1; it starts anew with every trial of a
            search for a PSNR.

    Returns:
        The file; its ``report`` says how it went.

    Raises:
        OSError: the file cannot be opened: FileNotFoundError, IsADirectoryError, PermissionError, ...
        PictureError: the source is not a picture that can be encoded.
        TargetError: no file can be as asked.
        CheckpointError: the checkpoint is none, or of something else.
        ClusterError: there is no such cluster, or the extra ``dask`` is not installed.
        ValueError: an option is out of range, or of a type that makes no sense there.
    """
    from smartsplat.engines import load_engine
    from smartsplat.fitting.steplog import StepLog
    from smartsplat.pictures.metadata import KINDS
    from smartsplat.pictures.picture import DEFAULT_MAX_PIXELS, with_metadata
    from smartsplat.pictures.reading import read
    from smartsplat.pipeline.encode import encode_picture
    from smartsplat.pipeline.options import Options
    from smartsplat.pipeline.target import Target
    from smartsplat.scratch import LEAST_LIMIT, Scratch, memory_limit

    target = Target(cr, size, bpp, psnr, splats)
    options = Options(target, effort, preset, seed, steps, lattice, constants, checkpoint, measure, overview,
                      dask, workers, tune)  # fmt: skip
    steplog = StepLog(log, whole_number(log_every, "log_every", 1))
    limit = max_pixels if max_pixels is not None else DEFAULT_MAX_PIXELS
    wanted = {"icc": icc, "exif": exif, "xmp": xmp, "resolution": resolution}
    with Scratch(memory_limit(None if memory is None else whole_number(memory, "memory", LEAST_LIMIT))) as scratch:
        picture = read(source, max_pixels=limit, flatten=flatten, value_range=value_range, scratch=scratch)
        picture = with_metadata(picture, [kind for kind in KINDS if wanted[kind]])
        suitable = 0 if picture.bits > 8 else picture.width * picture.height  # a card fits 8 bits only
        chosen = load_engine(engine, threads, pixels=suitable)
        return encode_picture(picture, options, chosen, progress or (lambda _: None), steplog, scratch)


def open(source: Source, *, partial: bool = False) -> SplatFile:
    """Opens a ``.ssplat`` file: a path, bytes, or a file open in binary mode.

    Args:
        source: the file.
        partial: whether it may be damaged, or end early, behind its header and index; ``SplatFile.damage`` says what is
            lost, and what is left is shown.

    Raises:
        OSError: the file cannot be opened: FileNotFoundError, IsADirectoryError, PermissionError, ...
        FormatError: it is not a valid one.
        TypeError: the source is none of these.
    """
    return SplatFile.open(source, partial=partial)


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
    max_work: float = 1.0,
) -> NDArray[Any]:
    """Decodes a file or its bytes to pixels; see ``open`` and ``SplatFile.render``."""
    return SplatFile.open(source).render(
        scale=scale, region=region, out=out, dtype=dtype, engine=engine, threads=threads, max_pixels=max_pixels,
        max_work=max_work,
    )  # fmt: skip
