"""Decodes the golden files on other processors and systems, emulated on this one: ``python -m tests.emulated``.

Builds the C face's test program with the compilers of the package ziglang, for 64-bit ARM Linux, which qemu runs, for
Windows, which wine runs, and for macOS on ARM, where it is only built. What is missing is installed if that is
possible, else said and left out.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.golden.program import ROOT, build, judge


@dataclass(frozen=True)
class System:
    """A system to build for.

    Attributes:
        target: as ziglang names it.
        emulator: what runs its programs; None: nothing does here.
        packages: of Debian, that have the emulator.
        kernels: sets of pixel kernels that the program is built with, one program for each; the best that the
            processor has is used.
    """

    target: str
    emulator: str | None
    packages: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ("baseline",)


SYSTEMS = (
    System("aarch64-linux-musl", "qemu-aarch64", ("qemu-user",)),
    System("x86_64-windows-gnu", "wine", ("wine64", "wine"), ("baseline", "baseline;avx2;avx512")),
    System("aarch64-macos", None),
)


def succeeds(*command: str) -> bool:
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=quiet, capture_output=True, check=False).returncode == 0


def has_compiler() -> bool:
    """Installs ziglang if it is not there."""
    if importlib.util.find_spec("ziglang"):
        return True
    succeeds(sys.executable, "-m", "pip", "install", "--quiet", "ziglang")
    importlib.invalidate_caches()
    return importlib.util.find_spec("ziglang") is not None


def install_emulators() -> None:
    """Those that are missing, where Debian's tools are, for the user that may."""
    packages = [p for s in SYSTEMS if s.emulator and not shutil.which(s.emulator) for p in s.packages]
    if packages and shutil.which("apt-get") and os.geteuid() == 0:
        succeeds("apt-get", "update", "--quiet")
        succeeds("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages)


def check(system: System, folder: Path) -> None:
    """Builds and runs; raises what tests.golden.program does."""
    toolchain = f"-DCMAKE_TOOLCHAIN_FILE={ROOT / 'native' / 'toolchains' / 'zig.cmake'}"
    settings = f"-DSMARTSPLAT_TARGET={system.target}", f"-DZIG_PYTHON={sys.executable}"
    environment = {"WINEDEBUG": "-all", "WINEPREFIX": str(folder / "wine")}
    for kernels in system.kernels:
        start = time.perf_counter()
        program = build(folder / "build", toolchain, *settings, f"-DSMARTSPLAT_KERNELS={kernels}")
        result = "built"
        if system.emulator and shutil.which(system.emulator):
            result = judge(system.emulator, str(program), environment=environment)
        elif system.emulator:
            result += f", not run: there is no {system.emulator}"
        print(f"{system.target}, {kernels}: {result} ({time.perf_counter() - start:.0f} s)", flush=True)


def main() -> None:
    if not shutil.which("cmake"):
        print("skipped: there is no cmake")
        return
    if not has_compiler():
        print("skipped: there is no ziglang, and it cannot be installed")
        return
    install_emulators()
    for system in SYSTEMS:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            check(system, Path(folder))


if __name__ == "__main__":
    main()
