"""How many tiles a second `smartsplat serve` gives, beside a tiled TIFF through libvips.

    python -m benchmarks.serving FILE.ssplat [--tiff FILE.tif --vips-python PYTHON] [--clients 32] [--seconds 60]
        [--record]

Tiles of 256 and 512 px of the picture's levels, of which each is as likely, at places of their grid; each client has a
connection and asks again as soon as it has its answer. The server and the clients, one process of ``asyncio``, share
the machine's processors. Servers take turns in rounds, so that other work on the machine meets all of them. Prints a
JSON line for each server and size of tile; `lost` are answers that are no JPEG. PYTHON is one of an environment with
``pyvips-binary pyvips starlette uvicorn``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import smartsplat
from benchmarks.results import append, machine

NAME = "picture"
ROUND = 10.0
"""Seconds at most that a server is asked before the next one has its turn."""


def addresses(width: int, height: int, side: int, seed: int) -> Iterator[str]:
    """Tiles without end, whole ones."""
    draw = random.Random(seed)
    levels = max(1, int(math.log2(max(width, height) / side)) + 1)
    while True:
        span = side << draw.randrange(levels)
        columns, rows = max(1, width // span), max(1, height // span)
        x, y = span * draw.randrange(columns), span * draw.randrange(rows)
        w, h = min(span, width - x), min(span, height - y)
        yield f"/iiif/{NAME}/{x},{y},{w},{h}/{max(1, side * w // span)},/0/default.jpg"


async def client(port: int, paths: Iterator[str], until: float, times: list[float]) -> int:
    """Asks until then; gives how many answers were none."""
    lost = 0
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        started = time.perf_counter()
        writer.write(f"GET {next(paths)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        lost += not (head.startswith(b"HTTP/1.1 200") and body.startswith(b"\xff\xd8") and body.endswith(b"\xff\xd9"))
        times.append(time.perf_counter() - started)
    writer.close()
    return lost


async def load(port: int, size: tuple[int, int], side: int, clients: int, seconds: float, seed: int) -> dict[str, Any]:
    """What so many clients got."""
    times: list[float] = []
    started = time.perf_counter()
    paths = [addresses(*size, side, 1000 * seed + k) for k in range(clients)]
    lost = await asyncio.gather(*(client(port, p, started + seconds, times) for p in paths))
    return {"times": times, "lost": sum(lost), "seconds": time.perf_counter() - started}


def warm_up(port: int, size: tuple[int, int], side: int, clients: int) -> None:
    """Asks until no answer takes longer than a second: each process of a server opens the picture for itself."""
    for turn in range(15):
        if max(asyncio.run(load(port, size, side, clients, 2.0, -1 - turn))["times"]) < 1:
            return


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, path: str) -> Iterator[int]:
    """A server, from when it answers until the block is left."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
                    answer.read()
                    break
            except OSError:
                if server.poll() is not None:
                    raise SystemExit(f"{command[0]} ended with {server.returncode}") from None
                time.sleep(0.1)
        yield server.pid
    finally:
        server.terminate()
        server.wait()


def processor_seconds(pid: int) -> float:
    """Of a process and its children."""
    ticks, pending = 0, [pid]
    while pending:
        one = pending.pop()
        fields = Path(f"/proc/{one}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
        for task in Path(f"/proc/{one}/task").iterdir():
            pending += map(int, (task / "children").read_text(encoding="utf-8").split())
    return ticks / os.sysconf("SC_CLK_TCK")


def measure(servers: dict[str, list[str]], ports: dict[str, int], size: tuple[int, int], side: int,
            clients: int, seconds: float) -> Iterator[dict[str, Any]]:  # fmt: skip
    """A row for each server, measured in turns."""
    rounds = max(1, round(seconds / ROUND))
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    first = next(addresses(*size, side, 0))
    for turn in range(rounds):
        for name, command in servers.items():
            with running(command, ports[name], first) as pid:
                warm_up(ports[name], size, side, clients)
                before = processor_seconds(pid)
                result = asyncio.run(load(ports[name], size, side, clients, seconds / rounds, turn))
                found[name].append(result | {"processor": processor_seconds(pid) - before})
    for name, results in found.items():
        times = [t for result in results for t in result["times"]]
        total = sum(result["seconds"] for result in results)
        half, most = np.quantile(times, [0.5, 0.99])
        yield {
            "server": name, "side": side, "clients": clients, "seconds": round(total, 1),
            "tiles_per_second": round(len(times) / total, 1), "median_ms": round(1000 * half, 1),
            "p99_ms": round(1000 * most, 1), "lost": sum(result["lost"] for result in results),
            "processor_ms_per_tile": round(1000 * sum(result["processor"] for result in results) / len(times), 3),
        }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--tiff", type=Path)
    parser.add_argument("--vips-python")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--sides", default="256,512")
    parser.add_argument("--options", default="", help="of smartsplat serve, such as '--processes 2'")
    parser.add_argument("--record", action="store_true", help="add the rows to benchmarks/results/serving.jsonl")
    options = parser.parse_args()
    file = smartsplat.open(options.file)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(options.file, Path(folder) / f"{NAME}.ssplat")
        names = ["smartsplat", *(["libvips"] if options.tiff else [])]
        ports = {name: free_port() for name in names}
        servers = {"smartsplat": [sys.executable, "-m", "smartsplat", "serve", folder,
                                  "--port", str(ports["smartsplat"]), *options.options.split()]}  # fmt: skip
        bytes_of = {"smartsplat": options.file.stat().st_size}
        if options.tiff:
            script = str(Path(__file__).parent / "vips_server.py")
            servers["libvips"] = [options.vips_python, "-P", script, str(options.tiff), str(ports["libvips"])]
            bytes_of["libvips"] = options.tiff.stat().st_size
        about = {"width": file.width, "height": file.height, "splats": len(file.splats), "options": options.options}
        for side in map(int, options.sides.split(",")):
            for row in measure(servers, ports, (file.width, file.height), side, options.clients, options.seconds):
                row |= {"bytes": bytes_of[row["server"]]} | about | machine()
                print(json.dumps(row), flush=True)
                if options.record:
                    append("serving", row)


if __name__ == "__main__":
    main()
