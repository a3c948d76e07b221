"""The command `view`."""

from __future__ import annotations

import argparse

from smartsplat.cli.options import Subparsers, UsageError, add_command, port
from smartsplat.cli.streams import describe_file, input_name, write_line
from smartsplat.errors import PictureError, SmartSplatError

BROWSERS_OWN = (".svg", ".jxl", ".avif")
"""Ends of names of pictures that browsers may show, whatever Pillow says."""


def add(commands: Subparsers) -> None:
    """Adds its parser."""
    p = add_command(commands, "view", "show .ssplat files in the browser, as near as the Gaussians themselves", run)
    p.add_argument("files", nargs="+", metavar="FILE", help="a .ssplat file")
    p.add_argument("--original", metavar="PICTURE", help="what the file was made from, to compare it with")
    p.add_argument("--port", type=port, default=0, metavar="N", help="(default: any that is free)")
    p.add_argument("--no-browser", action="store_true", help="say the address and open nothing")


def run(options: argparse.Namespace) -> None:
    """Serves until it is interrupted."""
    from pathlib import Path

    from smartsplat.viewing.server import Shown, make_server

    if options.original and len(options.files) > 1:
        raise UsageError("--original goes with one file")
    said = [describe_file(path, input_name(path)) for path in options.files]
    if options.original:
        _check_original(options.original, said[0]["width"], said[0]["height"])
    original = Path(options.original) if options.original else None
    try:
        server = make_server([Shown(Path(path), original) for path in options.files], options.port)
    except OSError as error:
        raise SmartSplatError(f"port {options.port} cannot be used: {error.strerror}") from error
    with server:
        address = f"http://127.0.0.1:{server.server_port}/"
        write_line(f"{address}  (Ctrl+C ends it)")
        if not options.no_browser:
            import webbrowser

            webbrowser.open(address)
        server.serve_forever()


def _check_original(path: str, width: int, height: int) -> None:
    """Refuses what is no picture, or one of another size than the file's, in whatever orientation."""
    import warnings
    from pathlib import Path

    from PIL import Image, UnidentifiedImageError

    try:
        with (
            warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning),
            Path(path).open("rb") as file,
            Image.open(file) as image,
        ):
            size = image.size
    except Image.DecompressionBombError:  # which says that it is one, and large
        return
    except UnidentifiedImageError as error:
        if path.lower().endswith(BROWSERS_OWN):  # what Pillow may not know
            return
        raise PictureError(f"{input_name(path)}: not a picture that can be shown") from error
    if sorted(size) != sorted((width, height)):
        raise PictureError(f"{input_name(path)}: {size[0]} x {size[1]} px, but the file has {width} x {height}")
