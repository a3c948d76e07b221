"""The server in processes that uvicorn starts: they know of it what stands in the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from starlette.applications import Starlette

from smartsplat.serving.app import Limits, make_app

APP = f"{__name__}:app"
"""What uvicorn imports."""

_VARIABLE = "SMARTSPLAT_SERVER"


@contextmanager
def handed_on(folder: Path, limits: Limits) -> Iterator[None]:
    """Lets processes that are started in the block make the server of a folder."""
    os.environ[_VARIABLE] = json.dumps({"folder": os.fspath(folder.absolute()), "limits": asdict(limits)})
    try:
        yield
    finally:
        del os.environ[_VARIABLE]


def app() -> Starlette:
    """The server, in such a process."""
    handed = json.loads(os.environ[_VARIABLE])
    return make_app(Path(handed["folder"]), Limits(**handed["limits"]))
