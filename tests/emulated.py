"""Decodes the golden files on other processors and systems, emulated on this one: ``python -m tests.emulated``.

Builds the C face's test program for 64-bit ARM Linux by Debian's cross compiler, and runs it under qemu; for Windows by
the compilers of the package ziglang, and runs it under wine; has the decoder for browsers, by the same compilers, judge
them under node; and compiles all of the library for macOS on ARM, and the encoder's part for Windows. What is missing
is installed if that is possible, else said and left out.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.golden.program import NODE_PROGRAM, ROOT, build, judge

NATIVE = ROOT / "native"
ARM, QEMU, WINE, NODE = "aarch64-linux-gnu-g++", "qemu-aarch64", "wine", "node"
PACKAGES = {ARM: ("g++-aarch64-linux-gnu",), QEMU: ("qemu-user",), WINE: ("wine64", "wine"), NODE: ("nodejs",)}
"""Of Debian, by the programs that are needed."""
ENCODER_ROOMS = ("blending", "fitting", "metrics", "pictures", "sampling")
"""Folders of native/core that the C face, and so the program, does without (native/CMakeLists.txt)."""


def succeeds(*command: str) -> bool:
    """Runs a command quietly."""
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=quiet, capture_output=True, check=False).returncode == 0


def has_compiler() -> bool:
    """Installs ziglang if it is not there."""
    if importlib.util.find_spec("ziglang"):
        return True
    succeeds(sys.executable, "-m", "pip", "install", "--quiet", "ziglang")
    importlib.invalidate_caches()
    return importlib.util.find_spec("ziglang") is not None


def install_programs() -> None:
    """Those that are missing, where Debian's tools are, for the user that may."""
    packages = [package for program in PACKAGES if not shutil.which(program) for package in PACKAGES[program]]
    if packages and shutil.which("apt-get") and os.geteuid() == 0:
        succeeds("apt-get", "update", "--quiet")
        succeeds("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages)


def missing(*programs: str) -> str:
    """Says which of them are not there; nothing if all are."""
    absent = [program for program in programs if not shutil.which(program)]
    if {WINE, NODE} & {*programs} and not has_compiler():
        absent.append("ziglang")
    return f"skipped, for there is no {', no '.join(absent)}" if absent else ""


def arm_linux(folder: Path) -> str:
    """Runs on 64-bit ARM."""
    if absent := missing("cmake", ARM, QEMU):
        return absent
    system = "-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=aarch64", "-DCMAKE_EXE_LINKER_FLAGS=-static"
    compilers = f"-DCMAKE_CXX_COMPILER={ARM}", f"-DCMAKE_C_COMPILER={ARM.replace('g++', 'gcc')}"
    return judge(QEMU, str(build(folder, *system, *compilers)))


def windows(folder: Path) -> str:
    """Runs on Windows, with the best of the pixel kernels that the processor has."""
    if absent := missing("cmake", WINE):
        return absent
    toolchain = f"-DCMAKE_TOOLCHAIN_FILE={NATIVE / 'toolchains' / 'zig.cmake'}"
    settings = toolchain, "-DSMARTSPLAT_TARGET=x86_64-windows-gnu", f"-DZIG_PYTHON={sys.executable}"
    environment = {"WINEDEBUG": "-all", "WINEPREFIX": str(folder / "wine")}
    return judge(WINE, str(build(folder / "build", *settings)), environment=environment)


def wasm(_: Path) -> str:
    """Runs as WebAssembly; stays where the tests of the browser look for it."""
    if absent := missing(NODE):
        return absent
    subprocess.run([sys.executable, str(NATIVE / "wasm" / "build.py")], check=True, stdout=subprocess.DEVNULL)
    return judge(NODE, str(NODE_PROGRAM))


def others(folder: Path) -> str:
    """Compiles, without optimisation and without linking, for macOS on ARM, whose library would take minutes to build,
    and what only the encoder needs for Windows.
    """
    if not has_compiler():
        return "skipped, for there is no ziglang"
    core = sorted((NATIVE / "core").rglob("*.cpp"))
    encoder = [path for path in core if path.relative_to(NATIVE / "core").parts[0] in ENCODER_ROOMS]
    jobs = [("aarch64-macos", path) for path in (*core, NATIVE / "capi" / "smartsplat.cpp")]
    jobs += [("x86_64-windows-gnu", path) for path in encoder]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda job: compile_for(*job[1], folder / f"{job[0]}.o"), enumerate(jobs)))
    return f"{len(jobs) - len(encoder)} files compile for macOS, {len(encoder)} of the encoder for Windows"


def compile_for(target: str, source: Path, result: Path) -> None:
    """Raises RuntimeError if it cannot be done."""
    compiler = sys.executable, "-m", "ziglang", "c++", "-target", target, "-std=c++20"
    flags = "-Wall", "-Wextra", "-Werror", "-DSMARTSPLAT_ISA=baseline", f"-I{NATIVE}", f"-I{NATIVE / 'core'}"
    command = [*compiler, *flags, "-c", str(source), "-o", str(result)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{source}:\n{done.stderr}")


def main() -> None:
    """All of them, one after the other."""
    install_programs()
    systems: tuple[Callable[[Path], str], ...] = (arm_linux, windows, wasm, others)
    for system in systems:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            result = system(Path(folder))
        print(f"{system.__name__}: {result} ({time.perf_counter() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
