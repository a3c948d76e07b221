"""Whether a change is slower: two checkouts of the package, each in a process of its own, take turns.

    python -m benchmarks.speed OLD NEW [--pictures P ..] [--crs 50,200] [--repeats 7] [--threads 2] [--effort 5]

OLD and NEW are PYTHONPATHs: folders that hold a built package `smartsplat`. Encoding is from a picture's file to bytes,
decoding from the bytes that OLD made to an array; the first of each is not counted. A row for each picture and ratio:
medians, the ratio of the medians (new over old), and the quartiles of the ratios of neighbouring runs. At the end the
geometric means over all rows. Rows are added to benchmarks/results/speed.jsonl.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.results import append, machine

WORKER = """
import hashlib, json, sys, time
import smartsplat

def encode(path, options):
    return bytes(smartsplat.encode(path, **options).to_bytes())

files = {}
print("ready", flush=True)
for line in sys.stdin:
    job = json.loads(line)
    key = job["path"], job["options"]["cr"]
    if job["verb"] == "load":
        files[key] = bytes.fromhex(job["data"])
        answer = {}
    elif job["verb"] == "encode":
        started = time.perf_counter()
        data = encode(job["path"], job["options"])
        answer = {"seconds": time.perf_counter() - started, "data": data.hex()}
    else:
        started = time.perf_counter()
        pixels = smartsplat.decode(files[key], threads=job["options"]["threads"])
        answer = {"seconds": time.perf_counter() - started, "digest": hashlib.sha256(pixels).hexdigest()}
    print(json.dumps(answer), flush=True)
"""


class Worker:
    """A process that has one checkout's package loaded."""

    def __init__(self, path: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", WORKER], env=os.environ | {"PYTHONPATH": path}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self._line()

    def do(self, verb: str, path: str, options: dict[str, Any], **more: str) -> dict[str, Any]:
        """What it answers to a job."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"verb": verb, "path": path, "options": options} | more) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._line())
        return answer

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a checkout's process has ended: is its package built?")
        return line

    def close(self) -> None:
        """Ends it."""
        self._process.communicate()


def in_turns(workers: tuple[Worker, Worker], verb: str, path: str, options: dict[str, Any], repeats: int) -> list[Any]:
    """Answers of both, [repeats + 1] pairs; who is first alternates."""
    rounds = []
    for k in range(repeats + 1):
        order = workers if k % 2 else workers[::-1]
        answers = [worker.do(verb, path, options) for worker in order]
        rounds.append(answers if k % 2 else answers[::-1])
    return rounds


def compare(rounds: list[Any]) -> dict[str, Any]:
    """Medians and ratios of all rounds but the first."""
    pairs = [(old["seconds"], new["seconds"]) for old, new in rounds[1:]]
    old, new = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
    quartiles = statistics.quantiles([b / a for a, b in pairs], n=4)
    same = len({answer.get("data", answer.get("digest")) for answer in rounds[0]}) == 1
    return {
        "old": round(old, 4), "new": round(new, 4), "ratio": round(new / old, 4),
        "quartiles": [round(quartiles[0], 4), round(quartiles[2], 4)], "same": same,
    }  # fmt: skip


def rows(workers: tuple[Worker, Worker], path: str, options: dict[str, Any], repeats: int) -> list[dict[str, Any]]:
    """Encoding and decoding of one picture at one ratio."""
    encoded = in_turns(workers, "encode", path, options, repeats)
    for worker in workers:
        worker.do("load", path, options, data=encoded[0][0]["data"])
    decoded = in_turns(workers, "decode", path, options, 4 * repeats)
    head = {"picture": Path(path).name, "cr": options["cr"]}
    return [head | {"verb": verb} | compare(found) for verb, found in (("encode", encoded), ("decode", decoded))]


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", help="a PYTHONPATH")
    parser.add_argument("new", help="likewise")
    parser.add_argument("--pictures", nargs="+", required=True, metavar="P")
    parser.add_argument("--crs", default="50,200", help="compression ratios")
    parser.add_argument("--repeats", type=int, default=7, help="of an encoding; of a decoding four times as many")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--effort", type=int, default=5)
    parser.add_argument("--label", default="", help="kept in the rows, such as the commits")
    options = parser.parse_args()
    workers = Worker(options.old), Worker(options.new)
    common = {"effort": options.effort, "threads": options.threads} | machine() | {"label": options.label}
    ratios: dict[str, list[float]] = {"encode": [], "decode": []}
    for path in options.pictures:
        for cr in map(float, options.crs.split(",")):
            asked = {"cr": cr, "effort": options.effort, "threads": options.threads}
            for row in rows(workers, str(Path(path).resolve()), asked, options.repeats):
                print(json.dumps(row), flush=True)
                append("speed", row | common)
                ratios[row["verb"]].append(row["ratio"])
    for verb, found in ratios.items():
        mean = math.exp(statistics.fmean(map(math.log, found)))
        print(f"{verb}: {mean:.3f} (geometric mean of {len(found)} ratios, {min(found):.3f} to {max(found):.3f})")
    for worker in workers:
        worker.close()


if __name__ == "__main__":
    main()
