"""The command line: parses, calls the library, prints."""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from smartsplat.bench.command import add_bench
from smartsplat.errors import FormatError, SmartSplatError, TargetError

if TYPE_CHECKING:
    from smartsplat.file.splatfile import Region, SplatFile

ENGINES = ("auto", "cpu", "cuda", "reference")
EXTENSION = ".ssplat"

MOST = 10**15
"""Greatest number that options take; beyond any file, and still exact as a float."""


class _Terminated(BaseException):
    """SIGTERM came."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs one command and exits: 0 done, 1 failed with one line on stderr, 2 wrong use.

    An interrupt ends it with 130 and SIGTERM with 143, each with one line too.
    """
    try:
        with _termination_unwinds(), _own_lines_only():
            options = _parser().parse_args(arguments)
            options.run(options)
            _flush()
    except SmartSplatError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail("interrupted", status=130)
    except _Terminated:
        _fail("terminated", status=143)
    except MemoryError:
        _fail("not enough memory")
    except BrokenPipeError:  # nobody reads
        raise SystemExit(1) from None
    except OSError as error:
        _fail(f"{error.filename or 'input or output'}: {error.strerror or error}")
    raise SystemExit(0)


def _fail(message: str, status: int = 1) -> NoReturn:
    print(f"smartsplat: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(status)


def _flush() -> None:
    """Fails here where stdout cannot be written to, and not at exit, where nobody could catch it."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # takes what is left at exit
        raise


@contextmanager
def _termination_unwinds() -> Iterator[None]:
    """Lets SIGTERM raise, so that temporary files are removed; by itself it ends Python on the spot."""
    if threading.current_thread() is not threading.main_thread():  # where signals cannot be handled
        yield
        return

    def terminate(*_: object) -> NoReturn:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _own_lines_only() -> Iterator[None]:
    """Keeps other libraries' warnings, such as Pillow's on damaged EXIF, off stderr unless -W asks for them."""
    with warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
        yield


# Parsing


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="smartsplat", description="An image codec made of 2D Gaussians.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_encode(commands)
    _add_decode(commands)
    _add_info(commands)
    _add_compare(commands)
    _add_demo(commands)
    add_bench(commands)
    return parser


def _version() -> str:
    import smartsplat

    return f"smartsplat {smartsplat.__version__}"


Commands = Any  # argparse does not name the type of what add_subparsers gives


def _command(commands: Commands, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False
    )
    parser.set_defaults(run=run)
    return parser


def _add_encode(commands: Commands) -> None:
    p = _command(commands, "encode", _encode, "encode a picture to a .ssplat file")
    p.add_argument("input", type=Path, help="PNG, JPEG, WebP, TIFF or another still picture")
    p.add_argument("output", type=Path, help="the .ssplat file")
    target = p.add_mutually_exclusive_group()
    target.add_argument("--cr", type=_positive, metavar="R", help="compression ratio of real bytes (default 100)")
    target.add_argument("--size", type=_bytes, metavar="BYTES", help="bytes of the file, such as 500k or 2M")
    target.add_argument("--bpp", type=_positive, metavar="B", help="bits of the file for each pixel")
    target.add_argument("--psnr", type=_positive, metavar="DB", help="PSNR of the decoded picture, at least")
    p.add_argument("--effort", "-e", type=int, choices=range(1, 10), default=5, metavar="1..9",
                   help="time for quality: each takes up to twice as long as the one before (default 5)")  # fmt: skip
    p.add_argument("--preset", choices=("default", "paper"), default="default",
                   help="default, or the paper's method to the letter (slow)")  # fmt: skip
    p.add_argument("--steps", type=_count, metavar="N", help="Adam steps of the preset paper (default 50000)")
    p.add_argument("--seed", type=_seed, default=0, metavar="N", help="of all that is random (default 0)")
    p.add_argument("--flatten", metavar="COLOUR", help="colour to lay under a transparent picture")
    _add_engine(p)
    _add_max_pixels(p)
    _add_force(p)
    p.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    p.add_argument("-q", "--quiet", action="store_true", help="no progress, no summary")


def _add_decode(commands: Commands) -> None:
    p = _command(commands, "decode", _decode, "decode a .ssplat file to a picture")
    p.add_argument("input", type=Path, help="the .ssplat file")
    p.add_argument("output", type=Path, help="PNG, JPEG, WebP or TIFF, by its extension")
    size = p.add_mutually_exclusive_group()
    size.add_argument("--scale", type=_positive, metavar="S", help="size relative to the original (default 1)")
    size.add_argument("--width", type=_count, metavar="W", help="or the width of the result, px")
    p.add_argument("--region", type=_region, metavar="X,Y,W,H", help="decode only this part, px of the original")
    _add_engine(p)
    _add_max_pixels(p)
    _add_force(p)
    p.add_argument("--json", action="store_true", help="print the figures as one JSON object")


def _add_info(commands: Commands) -> None:
    p = _command(commands, "info", _info, "say what a .ssplat file holds")
    p.add_argument("file", type=Path)
    p.add_argument("--json", action="store_true", help="print it as one JSON object")


def _add_compare(commands: Commands) -> None:
    p = _command(commands, "compare", _compare, "measure how much a picture differs from another")
    p.add_argument("reference", type=Path, help="a picture")
    p.add_argument("other", type=Path, help="a picture or a .ssplat file")
    _add_max_pixels(p)
    p.add_argument("--json", action="store_true", help="print the figures as one JSON object")


def _add_demo(commands: Commands) -> None:
    p = _command(commands, "demo", _demo, "run the whole job on a picture that comes with the package")
    p.add_argument("folder", type=Path, nargs="?", default=Path("smartsplat-demo"), help="for the results")
    _add_engine(p)


def _add_engine(p: argparse.ArgumentParser) -> None:
    p.add_argument("--engine", choices=ENGINES, default="auto", help="what computes (default auto)")
    p.add_argument("-j", "--threads", type=_count, default=0, metavar="N", help="threads (default: all processors)")


def _add_force(p: argparse.ArgumentParser) -> None:
    p.add_argument("-f", "--force", action="store_true", help="overwrite the output")


def _add_max_pixels(p: argparse.ArgumentParser) -> None:
    p.add_argument("--max-pixels", type=_count, default=400_000_000, metavar="N",
                   help="refuse larger pictures (default 400 million)")  # fmt: skip


def _positive(text: str) -> float:
    value = _number(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def _count(text: str) -> int:
    return _whole(text, 1, MOST)


def _seed(text: str) -> int:
    return _whole(text, 0, MOST)


def _whole(text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,40}", text) or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
    return int(text)


def _bytes(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,40}(?:\.[0-9]+)?)([kKmMgG]?)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text} is not a number of bytes, such as 40000, 500k or 2M")
    unit = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}[match[2].lower()]
    return _count(str(int(float(match[1]) * unit)))


def _region(text: str) -> Region:
    parts = [_number(part) for part in text.split(",")]
    if len(parts) != 4 or not all(math.isfinite(part) for part in parts):
        raise argparse.ArgumentTypeError(f"{text} is not X,Y,W,H")
    return parts[0], parts[1], parts[2], parts[3]


# Commands


def _encode(options: argparse.Namespace) -> None:
    from smartsplat.api import encode
    from smartsplat.pictures.files import check_output
    from smartsplat.progress import bar

    if options.steps is not None and options.preset != "paper":
        _fail("--steps goes with --preset paper", status=2)
    check_output(options.output, overwrite=options.force)
    with bar("encode", quiet=options.quiet) as progress, _naming(options.input):
        file = encode(
            options.input, cr=options.cr, size=options.size, bpp=options.bpp, psnr=options.psnr,
            effort=options.effort, preset=options.preset, engine=options.engine, seed=options.seed,
            threads=options.threads, steps=options.steps, flatten=options.flatten,
            max_pixels=options.max_pixels, progress=progress,
        )  # fmt: skip
    file.save(options.output, overwrite=options.force)
    row = _encode_row(options, file)
    if options.json:
        _print_json(row)
    elif not options.quiet:
        print(
            f"{options.output}: {row['bytes']} bytes, CR {row['cr']:.1f}, {row['splats']} splats, "
            f"PSNR {row['psnr']:.2f} dB, {row['encode_seconds']:.1f} s"
        )


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Puts the picture's name before what is wrong with its target."""
    try:
        yield
    except TargetError as error:
        raise TargetError(f"{path}: {error}") from error


def _encode_row(options: argparse.Namespace, file: SplatFile) -> dict[str, Any]:
    from smartsplat.file.summary import summarise

    report, summary = file.report, summarise(file.to_bytes())
    assert report is not None
    row: dict[str, Any] = {"input": str(options.input), "output": str(options.output)}
    row |= {key: summary[key] for key in ("width", "height", "bytes", "cr", "cr_nominal", "bpp", "splats")}
    row |= {
        "psnr": report.psnr,
        "psnr_float": report.psnr_float,
        "encode_seconds": report.seconds,
        "peak_rss_bytes": _peak_rss(),
        "engine": report.engine,
        "preset": report.preset,
        "effort": report.effort,
        "seed": report.seed,
    }
    return row | ({"steps": report.steps} if report.steps is not None else {})


def _decode(options: argparse.Namespace) -> None:
    from smartsplat.file.splatfile import SplatFile
    from smartsplat.pictures import writing
    from smartsplat.pictures.files import check_output

    writing.supported_output(options.output)  # before the input is read, which may be large
    check_output(options.output, overwrite=options.force)
    started = time.perf_counter()
    file = SplatFile.open(options.input)
    width = options.region[2] if options.region else file.width
    scale = options.width / width if options.width else (options.scale or 1.0)
    view = file.view(scale, options.region)
    writing.supported_output(options.output, width=view.width, height=view.height)
    pixels = file.render(
        scale=scale, region=options.region, engine=options.engine, threads=options.threads,
        max_pixels=options.max_pixels,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    writing.save(options.output, pixels, metadata=file.metadata, overwrite=options.force)
    height, width = pixels.shape[:2]
    if options.json:
        _print_json({
            "input": str(options.input), "output": str(options.output), "width": width, "height": height,
            "decode_seconds": seconds, "peak_rss_bytes": _peak_rss(),
        })  # fmt: skip


def _info(options: argparse.Namespace) -> None:
    from smartsplat.coding.container import MAGIC
    from smartsplat.file.summary import summarise
    from smartsplat.pictures.files import read_file

    try:
        summary = {"file": str(options.file)} | summarise(read_file(options.file, start=MAGIC))
    except FormatError as error:
        raise FormatError(f"{options.file}: {error}") from error
    if options.json:
        _print_json(summary)
        return
    for key, value in summary.items():
        print(
            f"{key.replace('_', ' '):16} {value:.4g}"
            if isinstance(value, float)
            else f"{key.replace('_', ' '):16} {value}"
        )


def _compare(options: argparse.Namespace) -> None:
    from smartsplat import metrics

    a, b = (_pixels(path, options.max_pixels) for path in (options.reference, options.other))
    if a.shape != b.shape:
        sizes = " and ".join(f"{p.shape[1]} x {p.shape[0]}" for p in (a, b))
        raise SmartSplatError(f"{options.reference}, {options.other}: the sizes differ, {sizes}")
    values = metrics.compare(a, b)
    if options.json:
        _print_json({"reference": str(options.reference), "other": str(options.other)} | values)
        return
    for name, value in values.items():
        print(f"{name:8} {'undefined: the picture is too small' if value is None else f'{value:.6g}'}")


def _pixels(path: Path, max_pixels: int) -> Any:
    """A picture, or a decoded .ssplat file, as uint8 [H, W, 3]."""
    import numpy as np

    from smartsplat.file.splatfile import SplatFile
    from smartsplat.pictures.reading import load

    if path.suffix.lower() != EXTENSION:
        return load(path, max_pixels=max_pixels).pixels
    pixels = SplatFile.open(path).render(max_pixels=max_pixels)
    return pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)


def _demo(options: argparse.Namespace) -> None:
    from smartsplat.demo import run_demo

    run_demo(options.folder, engine=options.engine, threads=options.threads)


def _print_json(row: dict[str, Any]) -> None:
    """One object on stdout; JSON has no infinity, so that is null (an exact picture's PSNR)."""
    print(json.dumps({k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}))


def _peak_rss() -> int | None:
    """Most memory that this process has held, in bytes, where the system tells."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
