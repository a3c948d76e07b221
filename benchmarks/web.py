"""What the decoder for browsers weighs and how fast it is, in headless Chromium.

    python -m benchmarks.web FILE... [--rounds 7]

Needs Chromium, ``pip install playwright`` and ``python native/wasm/build.py``. Prints one JSON line for the decoder and
one for each file:

- ``whole``: the whole picture at its own size by one thread, warm, of the decoder in the browser over the native one
  with its baseline kernels (128-bit vectors, too), in turns: ``again`` into memory that is there, ``whole`` into new
  memory, ``cold`` with opening and decoding the file.
- ``first_ms``: from the start of the navigation until `view`'s page shows the whole picture, 1280 x 800, be it as a
  sketch; ``complete_ms``: until it is as fine as it will be. ``first_bytes``: that have been
  fetched when it is complete.
- ``tile``: a 256-px tile anywhere at any level, two workers that always have something to do: how long each takes.
  ``draft_tile``: the same as the viewer asks for them.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import smartsplat
from benchmarks.results import machine
from smartsplat import _native
from smartsplat.viewing import assets
from smartsplat.viewing.server import Shown, make_server

SETTLING = 1500
"""ms until a new window's own pages, which are another process's, have been loaded."""

NAMES = ("cold", "whole", "again")

SETUP = """async () => {
  const { Decoder, BytesReader } = await import("/web/decoder.js");
  const { open } = await import("/web/index.js");
  const { decoderModule } = await import("/web/assets.js");
  const module = await decoderModule();
  const bytes = await fetch("/files/0").then((answer) => answer.arrayBuffer());
  const limits = { memory: 2 ** 31 };
  const whole = (decoder) => decoder.render({ x: 0, y: 0, ...decoder.info }, { maxPixels: 1e9 });
  const timed = (work) => { const start = performance.now(); work(); return performance.now() - start; };
  const opened = () => (globalThis.decoder = new Decoder(module, new BytesReader(bytes), limits));
  globalThis.cold = () => timed(() => whole(opened()));
  globalThis.warm = () => timed(() => whole(globalThis.decoder));
  globalThis.again = () => {
    const { calls, file, info } = globalThis.decoder;
    const view = calls.view_at_scale(file, 0, 0, info.width, info.height, 1);
    const address = calls.allocate(4 * info.width * info.height);
    const time = timed(() => calls.decode(file, view, 2, 4, address, 1e9)); // RGBA8
    calls.release(address);
    calls.release(view);
    return time;
  };
  globalThis.tiles = async (count, workers, draft) => {
    const picture = await open("/files/0", { workers, memory: 2 ** 31 });
    const levels = Math.max(0, Math.floor(Math.log2(Math.max(picture.width, picture.height) / 256)));
    let state = 1;
    const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
    const tile = () => {
      const side = 256 * 2 ** Math.floor(random() * (levels + 1));
      const [width, height] = [Math.min(side, picture.width), Math.min(side, picture.height)];
      const region = { x: random() * (picture.width - width), y: random() * (picture.height - height), width, height };
      return picture.render({ region, size: { width: 256, height: 256 }, as: "ImageBitmap", draft });
    };
    await Promise.all(Array.from({ length: 4 * workers }, tile)); // all workers have started
    const times = [];
    const caller = async () => {
      while (times.length < count) {
        const start = performance.now();
        (await tile()).close();
        times.push(performance.now() - start);
      }
    };
    await Promise.all(Array.from({ length: workers }, caller));
    picture.close();
    return times;
  };
}"""

FIRST = """() => new Promise((resolve) => {
  let covered = 0;
  const look = () => {
    const viewer = globalThis.page?.viewer;
    if (viewer?.covered) covered ||= performance.now();
    if (viewer?.complete) resolve([covered, performance.now()]);
    else requestAnimationFrame(look);
  };
  look();
})"""


@contextmanager
def served(path: Path) -> Iterator[str]:
    """Address of the viewer's page of a file."""
    with make_server([Shown(path)]) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def milliseconds(work: Callable[[], Any]) -> float:
    """That it takes."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def speed(page: Any, data: bytes, rounds: int) -> dict[str, Any]:
    """Whole pictures by turns."""
    times: dict[str, list[float]] = {name: [] for name in (*NAMES, *(f"native_{name}" for name in NAMES))}
    made: list[smartsplat.Renderer] = []

    def cold() -> None:
        made[:] = [smartsplat.Renderer(smartsplat.open(data), threads=1)]
        made[0].render(threads=1)

    for _ in range(rounds):
        times["native_cold"].append(milliseconds(cold))
        times["cold"].append(page.evaluate("cold()"))
        times["native_whole"].append(milliseconds(lambda: made[0].render(threads=1)))
        times["whole"].append(page.evaluate("warm()"))
        out = made[0].render(threads=1)
        times["native_again"].append(milliseconds(lambda out=out: made[0].render(threads=1, out=out)))
        times["again"].append(page.evaluate("again()"))
    medians = {name: statistics.median(values) for name, values in times.items()}
    ratios = {f"{name}_ratio": round(medians[name] / medians[f"native_{name}"], 2) for name in NAMES}
    return {f"{name}_ms": round(value, 1) for name, value in medians.items()} | ratios


def measure(browser: Any, path: Path, rounds: int) -> dict[str, Any]:
    """All figures of a file."""
    data = path.read_bytes()
    file = smartsplat.open(data)
    row: dict[str, Any] = {"file": path.name, "width": file.width, "height": file.height, "bytes": len(data)}
    with served(path) as address:
        firsts, completes = [], []
        for _ in range(rounds):
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.wait_for_timeout(SETTLING)
            page.goto(address, wait_until="commit")
            first, complete = page.evaluate(FIRST)
            firsts.append(first)
            completes.append(complete)
            fetched = page.evaluate("page.fetched")
            page.close()
        row |= {"first_ms": round(statistics.median(firsts)), "complete_ms": round(statistics.median(completes))}
        row["first_bytes"] = fetched
        page = browser.new_page()
        page.goto(f"{address}web/viewer.css")
        page.evaluate(SETUP)
        if file.width * file.height < 50_000_000:  # beyond, the whole is nothing that a browser is asked for
            row |= speed(page, data, rounds)
        for name, draft in (("tile", "false"), ("draft_tile", "true")):
            median, most = np.quantile(page.evaluate(f"tiles(300, 2, {draft})"), [0.5, 0.95])
            row |= {f"{name}_median_ms": round(float(median), 1), f"{name}_p95_ms": round(float(most), 1)}
        page.close()
    return row


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    decoder = assets.decoder()
    print(json.dumps({"decoder_bytes": len(decoder), "decoder_gzip_bytes": len(gzip.compress(decoder, 9))}), flush=True)
    _native.use_instruction_set("baseline")
    program = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for path in options.files:
            print(json.dumps(measure(browser, path, options.rounds) | {"machine": machine()}), flush=True)
        browser.close()


if __name__ == "__main__":
    main()
