"""Builds native/capi/decode_golden.c and has it judge the golden files. Needs no package but this one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.golden.files import FOLDER, check, golden_files

ROOT = FOLDER.parent.parent
NODE_PROGRAM = ROOT / "tests" / "web" / "decode_golden.mjs"
"""Does the same with the decoder for browsers, under node."""


def build(folder: Path, *options: str) -> Path:
    """Builds the program in a folder, again if it is there already.

    Args:
        folder: where.
        options: of cmake.

    Returns:
        The program.

    Raises:
        RuntimeError: it cannot be built; the text is what was said.
    """
    if shutil.which("ninja"):
        options += ("-GNinja",)
    faces = ("-DSMARTSPLAT_PYTHON=OFF", "-DSMARTSPLAT_CAPI=ON")
    _run(["cmake", "-S", str(ROOT), "-B", str(folder), *faces, *options])
    _run(["cmake", "--build", str(folder), "--target", "decode_golden", "--parallel", str(os.cpu_count() or 1)])
    return next(path for path in (folder / "native" / "capi").glob("decode_golden*") if path.suffix in ("", ".exe"))


def judge(*command: str, environment: dict[str, str] | None = None) -> str:
    """Runs the program over all golden files.

    Args:
        command: the program, an emulator before it where it needs one.
        environment: variables that are added.

    Returns:
        The worst differences, in words.

    Raises:
        RuntimeError: it fails.
        ValueError: what it decodes is not as it should be.
    """
    files = golden_files()
    arguments = [".", *(file.argument for file in files)]  # a name of the folder that every system understands
    lines = _run([*command, *arguments], cwd=FOLDER, env=os.environ | (environment or {}))
    return check(lines, files)


def _run(command: list[str], **options: object) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:4])} ... failed ({done.returncode}):\n{done.stdout}\n{done.stderr}")
    return done.stdout
