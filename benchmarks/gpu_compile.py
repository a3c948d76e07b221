"""Compiles every kernel for graphics cards, without one: for sm_80, sm_90 and gfx942.

    python -m benchmarks.gpu_compile [--write]

What is compiled is what is launched: a small job of everything runs under Triton's interpreter, and each kernel is then
compiled with the types and constants that it was launched with, and once more as if every whole number were 1, of which
Triton makes a constant. Any that does not compile is an error. Registers,
spilled bytes and shared memory are the compiler's word (ptxas -v; the metadata of AMD's code objects), no measurement;
--write puts them into benchmarks/results/gpu_compile.jsonl.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import importlib
import io
import json
import os
import re
import subprocess
import sys
from typing import Any

TARGETS = (("cuda", 80, 32), ("cuda", 90, 32), ("hip", "gfx942", 64))

Variant = dict[str, Any]


def type_of(value: Any) -> str:
    """Of an argument, as Triton's signatures have it."""
    import torch

    if isinstance(value, torch.Tensor):
        names = {"float32": "fp32", "float64": "fp64", "int32": "i32", "int64": "i64", "uint8": "u8", "bool": "i1"}
        return "*" + names[str(value.dtype).removeprefix("torch.")]
    return "fp32" if isinstance(value, float) else "i32"


def variant_of(kernel: Any, arguments: tuple[Any, ...], constants: dict[str, Any]) -> Variant:
    """What identifies a compilation, as JSON."""
    options = {name: value for name, value in constants.items() if name in ("num_warps", "num_stages")}
    return {
        "module": kernel.fn.__module__,
        "kernel": kernel.fn.__name__,
        "types": [type_of(argument) for argument in arguments],
        "constants": {name: value for name, value in constants.items() if name not in options},
        "options": options,
    }


def record() -> None:
    """Prints the variants that a small job of everything launches, a line each; under the interpreter."""
    from benchmarks.gpu_parts import everything
    from benchmarks.interpreter import patch_once
    from smartsplat.gpu.launch import listen

    patch_once()
    seen = {}
    end = listen(lambda *launched: seen.setdefault(json.dumps(variant_of(*launched), sort_keys=True)))
    everything()
    end()
    print("\n".join(sorted(seen)))


def recorded() -> list[Variant]:
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    command = [sys.executable, "-m", "benchmarks.gpu_compile", "--record"]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def compiled(variant: Variant, target: tuple[str, Any, int]) -> Any:
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    kernel = getattr(importlib.import_module(variant["module"]), variant["kernel"])
    names = kernel.arg_names
    signature = dict(zip(names, variant["types"], strict=False)) | dict.fromkeys(variant["constants"], "constexpr")
    if variant.get("ones"):  # as Triton makes whole numbers that are 1 constants
        ones = [name for name, kind in signature.items() if kind == "i32"]
        signature |= dict.fromkeys(ones, "constexpr")
        variant = variant | {"constants": variant["constants"] | dict.fromkeys(ones, 1)}
    constants = {(names.index(name),): value for name, value in variant["constants"].items()}
    triton.knobs.compilation.always_compile = True  # what ptxas says is only heard when it runs
    triton.knobs.nvidia.dump_ptxas_log = True
    source = ASTSource(kernel, {name: signature[name] for name in names}, constants)
    return triton.compile(source, target=GPUTarget(*target), options=variant["options"])


def of_ptxas(said: str) -> dict[str, int]:
    """Registers and spilled bytes of a kernel from what ptxas says."""
    spilled = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", said)
    used = re.search(r"Used (\d+) registers", said)
    if spilled is None or used is None:
        raise RuntimeError(f"ptxas says neither registers nor spills: {said}")
    return {"registers": int(used[1]), "spill_store_bytes": int(spilled[1]), "spill_load_bytes": int(spilled[2])}


def of_amd(assembly: str) -> dict[str, int]:
    """The same of AMD's metadata, which counts spilled registers."""
    found = {}
    for name, key in (("registers", "vgpr_count"), ("scalar_registers", "sgpr_count"), ("spills", "vgpr_spill_count")):
        match = re.search(rf"\.{key}:\s*(\d+)", assembly)
        if match is None:
            raise RuntimeError(f"the code object does not say {key}")
        found[name] = int(match[1])
    return found


def in_doubles(variant: Variant) -> bool:
    return "*fp64" in variant["types"]


def targets_of(variant: Variant) -> tuple[tuple[str, Any, int], ...]:
    """All for single precision, the cards of data centres for double precision, which is there for checks."""
    return TARGETS[1:] if in_doubles(variant) else TARGETS


def figures(variant: Variant, target: tuple[str, Any, int]) -> dict[str, Any]:
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            made = compiled(variant, target)
    except Exception as error:
        raise RuntimeError(f"{variant} for {target}: {error}") from None
    architecture = f"sm_{target[1]}" if target[0] == "cuda" else str(target[1])
    used = of_ptxas(said.getvalue()) if target[0] == "cuda" else of_amd(made.asm["amdgcn"])
    name = f"{variant['module'].rpartition('.')[2]}.{variant['kernel']}"
    return {
        "kernel": name, "target": architecture, "type": "float64" if in_doubles(variant) else "float32", **used,
        "shared_bytes": made.metadata.shared, "warps": made.metadata.num_warps, "constants": variant["constants"],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help="figures to benchmarks/results/gpu_compile.jsonl")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: all processors)")
    options = parser.parse_args()
    if options.record:
        record()
        return
    variants = recorded()
    wanted = [(variant, target) for variant in variants for target in targets_of(variant)]
    special = [variant | {"ones": True} for variant in variants if not in_doubles(variant)]
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        rows = list(pool.map(figures, *zip(*wanted, strict=True)))
        others = list(pool.map(figures, special, [TARGETS[1]] * len(special)))
    print(f"{len(others)} more where all whole numbers are 1")
    spilling = [r for r in rows if r.get("spill_store_bytes") or r.get("spills")]
    for row in spilling:
        print("spills:", json.dumps(row))
    print(
        f"{len(rows)} compilations, {len(spilling)} with spills, at most {max(r['registers'] for r in rows)} registers"
    )
    if options.write:
        write(rows)


def write(rows: list[dict[str, Any]]) -> None:
    import triton

    from benchmarks.results import FOLDER, machine

    made = {"triton": triton.__version__, "commit": machine()["commit"]}
    lines = [json.dumps(row | made) + "\n" for row in rows]
    (FOLDER / "gpu_compile.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
