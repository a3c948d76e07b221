"""Builds the decoder for browsers, `web/smartsplat.wasm`, with the compiler of the package ziglang.

    pip install ziglang
    python native/wasm/build.py [OUTPUT]

The same sources as everywhere, the C face and what it needs of the core: one thread, 128-bit vectors (simd128), no
handling of exceptions (exceptions.cpp). Objects are kept in build/wasm; what has not changed is not compiled again.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
NATIVE = HERE.parent
ROOT = NATIVE.parent
OBJECTS = ROOT / "build" / "wasm"
OUTPUT = ROOT / "web" / "smartsplat.wasm"

ZIG = [sys.executable, "-m", "ziglang"]
TARGET = ["-target", "wasm32-wasi", "-mexec-model=reactor"]
FLAGS = ["-std=c++20", "-fno-unroll-loops", "-flto", "-msimd128", "-mbulk-memory", "-fno-math-errno",
         "-fno-trapping-math", "-fignore-exceptions", "-fno-c++-static-destructors", "-fvisibility=hidden",
         "-ffunction-sections", "-fdata-sections", "-DNDEBUG", "-DSMARTSPLAT_ISA=baseline",
         "-Dsnprintf=smartsplat_snprintf", "-Wall", "-Wextra", "-Wno-unused-function",
         f"-I{HERE / 'serial'}", f"-I{NATIVE}", f"-I{NATIVE / 'core'}"]  # fmt: skip
FAST = ("core/coding/lattice_stream", "wasm/kernels")
"""Where optimising for speed pays; all else is optimised for size."""

GREATEST_MEMORY = 2 << 30
"""Bytes; the page may allow less."""

LINK = ["-Os", "-flto", "-s", "-Wl,--gc-sections", "-Wl,--import-memory", "-Wl,--no-entry", "-Wl,-z,stack-size=262144",
        f"-Wl,--max-memory={GREATEST_MEMORY}"]  # fmt: skip

ROOMS = ("coding", "common", "container", "decoder", "lattice", "model", "rendering")
"""Folders of the core that a decoder may need; the linker drops what it does not."""

REPLACED = ("core/common/parallel.cpp", "core/rendering/kernels/kernels.cpp", "core/rendering/surface.cpp")
"""By files of this folder."""


def sources() -> list[Path]:
    """What is compiled."""
    core = [path for room in ROOMS for path in sorted((NATIVE / "core" / room).rglob("*.cpp"))]
    kept = [path for path in core if path.relative_to(NATIVE).as_posix() not in REPLACED]
    return [*kept, NATIVE / "capi" / "smartsplat.cpp", *sorted(HERE.glob("*.cpp"))]


def newest_header() -> float:
    """When the last of the headers changed, or this file."""
    headers = [*NATIVE.rglob("*.h"), *(HERE / "serial").iterdir(), Path(__file__)]
    return max(path.stat().st_mtime for path in headers)


def flags_of(source: Path) -> list[str]:
    """Those that not all sources have. Names of types are needed where something thrown is looked at, nowhere else."""
    fast = source.relative_to(NATIVE).as_posix().startswith(FAST)
    return ["-O3" if fast else "-Os", "-frtti" if source.name == "exceptions.cpp" else "-fno-rtti"]


def compile_one(source: Path, headers: float) -> Path:
    """The object of a source, compiled if it is older than that."""
    result = OBJECTS / f"{'-'.join(source.relative_to(NATIVE).with_suffix('').parts)}.o"
    if not result.exists() or result.stat().st_mtime < max(headers, source.stat().st_mtime):
        run(*ZIG, "c++", *TARGET, *FLAGS, *flags_of(source), "-c", str(source), "-o", str(result))
    return result


def run(*command: str) -> None:
    """Runs a command; what it says is shown if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def build(output: Path) -> Path:
    """Makes the file."""
    OBJECTS.mkdir(parents=True, exist_ok=True)
    headers = newest_header()
    jobs = int(os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL") or os.cpu_count() or 1)
    with ThreadPoolExecutor(jobs) as pool:
        objects = list(pool.map(lambda source: compile_one(source, headers), sources()))
    unfinished = output.with_suffix(".part")
    run(*ZIG, "c++", *TARGET, *LINK, *map(str, objects), "-o", str(unfinished))
    unfinished.replace(output)
    return output


if __name__ == "__main__":
    made = build(Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT)
    print(f"{made}: {made.stat().st_size:,} bytes")
