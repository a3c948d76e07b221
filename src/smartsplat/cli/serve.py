"""The command `serve`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from smartsplat.cli.options import Subparsers, add_command, count, port
from smartsplat.errors import PictureError, SmartSplatError, one_line, shown


class ServeError(SmartSplatError):
    """The server cannot be started."""


def add(commands: Subparsers) -> None:
    """Adds its parser."""
    p = add_command(commands, "serve", "serve the .ssplat files of a folder over HTTP: IIIF, DeepZoom, a gallery", run)
    p.add_argument("folder", help="with .ssplat files, at any depth")
    p.add_argument("--host", default="127.0.0.1", help="address to listen at (default 127.0.0.1: this machine only)")
    p.add_argument("--port", type=port, default=8000, metavar="N", help="(default 8000; 0: any that is free)")
    p.add_argument("--max-pixels", type=count, default=16_000_000, metavar="N",
                   help="of a picture that is served (default 16 million)")  # fmt: skip
    p.add_argument("-j", "--threads", type=count, default=0, metavar="N",
                   help="pictures that are made at a time (default: one for each processor)")  # fmt: skip
    p.add_argument("--processes", type=count, default=1, metavar="N",
                   help="that share the requests; each decodes the files for itself (default 1)")  # fmt: skip


def run(options: argparse.Namespace) -> None:
    """Serves until it is interrupted."""
    try:
        import uvicorn

        from smartsplat.serving.app import Limits, make_app
        from smartsplat.serving.processes import ProcessEndedError, serve
    except ImportError as error:
        raise ServeError("serve needs the extra serve: pip install 'smartsplat[serve]'") from error
    folder = Path(options.folder)
    if not folder.is_dir():
        raise PictureError(f"{shown(options.folder)}: is not a folder")
    _check_address(options.host, options.port)
    threads = options.threads or max(1, (os.cpu_count() or 1) // options.processes)
    limits = Limits(pixels=options.max_pixels, workers=threads)
    settings: Any = {"host": options.host, "port": options.port, "log_level": "info", "access_log": False}
    if options.processes == 1:
        uvicorn.run(make_app(folder, limits), **settings)
        return
    try:
        serve(folder, limits, settings, options.processes)
    except ProcessEndedError as error:
        raise ServeError(str(error)) from error


def _check_address(host: str, number: int) -> None:
    """Refuses one that cannot be listened at: uvicorn would say so among lines of its log, and after the app began."""
    from smartsplat.serving.processes import bound  # needs the extra

    try:
        bound(host, number, shared=False).close()
    except OSError as error:
        raise ServeError(f"{shown(host)}, port {number} cannot be used: {one_line(error)}") from error
