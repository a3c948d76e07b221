"""Everything that is to be measured on a graphics card, in one run of less than eight minutes.

    python -m benchmarks.gpu [--picture PICTURE] [--smoke]

Parity with the cpu engine and operator; the paper's Table 2 protocol at 16K, CR 200 (steps/s, seconds to 1,000 steps,
memory, frames/s, PSNR); the default encoding of the same picture at CR 200, and its decoding; operations and bytes of a
step, counted, over the card's two ceilings, measured; gsplat's rasteriser, where it is installed. Each figure is a row
of benchmarks/results/gpu.jsonl with the card's name. Without a picture it is a mosaic of cuts of the one in the
package, 15360 x 11520. Parts that would take the whole run beyond its time are broken off, and their rows say so.

--smoke does the same at a tiny size under Triton's interpreter, prints the rows and writes none: it tells that this
code runs, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

SECONDS = 460.0
"""Of the whole run."""

CR = 200.0
STEPS = 1000
WARM = 5
"""Steps before the clock starts, in which kernels are compiled."""

FIT_SHARE, ENCODE_SHARE = 0.45, 0.9
"""Parts of the time after which the paper's fit and the encoding are broken off."""

PAINT_OPERATIONS, GATHER_OPERATIONS = 23, 43
"""Of single precision for each pixel of each pair of a splat and a tile, counted in ``kernels.weights.weigh`` (14, an
exponential as one) with what ``painting.paint`` and ``gathering.gather_spans`` do with a weight."""

SSIM_OPERATIONS = 2 * 11 * (5 + 5 + 3 + 3) + 80
"""For each sample, two for each tap of each of the sixteen sums, and what lies between them."""

SSIM_BYTES = 4 * (1 + 5 + 5 + 3 + 3 + 3 + 3 + 1 + 1 + 1) + 2
"""For each sample: each array of ``similarity.band_gradient`` written once and read once, the target twice."""


class _OutOfTime(Exception):
    """The part of the run that this is has no time left."""


@dataclass
class Run:
    """What all parts know.

    Attributes:
        device: the card; the processor under the interpreter.
        smoke: whether it is only tried whether the code runs.
        planes: uint8 [3, H, W].
        rows: that were found.
    """

    device: Any
    smoke: bool
    planes: Any
    rows: list[dict[str, Any]] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)

    @property
    def pixels(self) -> int:
        return int(self.planes[0].size)

    @property
    def splats(self) -> int:
        """N of Eq. 5."""
        return 3 if self.smoke else round(self.planes.size / (7 * CR))

    @property
    def engine(self) -> Any:
        from smartsplat.engines.cuda import CudaEngine

        return CudaEngine(device=self.device)

    def note(self, figure: str, **values: Any) -> None:
        row = {"figure": figure, "width": self.planes.shape[2], "height": self.planes.shape[1], **values}
        self.rows.append(row)
        print(json.dumps(row), flush=True)

    def require_time(self, share: float) -> None:
        """Raises where that part of the run's time is gone."""
        if time.perf_counter() - self.started > share * SECONDS and not self.smoke:
            raise _OutOfTime

    def done(self) -> None:
        """Waits for the card."""
        import torch

        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def timed(self, work: Callable[[], Any], repeats: int) -> float:
        """Median seconds of so many, after one that does not count."""
        work()
        found = []
        for _ in range(1 if self.smoke else repeats):
            self.done()
            started = time.perf_counter()
            work()
            self.done()
            found.append(time.perf_counter() - started)
        return float(np.median(found))


def mosaic(width: int, height: int) -> Any:
    """Cuts of the package's picture side by side, uint8 [height, width, 3]."""
    from smartsplat.demo import picture_bytes
    from smartsplat.pictures.reading import read

    source, rng = read(picture_bytes()).pixels, np.random.default_rng(7)
    out = np.empty((height, width, 3), np.uint8)
    cut = min(960, *source.shape[:2])
    for top in range(0, height, cut):
        for left in range(0, width, cut):
            y, x = (int(rng.integers(n - cut + 1)) for n in source.shape[:2])
            piece = source[y : y + cut, x : x + cut][:, :: rng.choice([-1, 1])]
            rows, columns = min(cut, height - top), min(cut, width - left)
            out[top : top + rows, left : left + columns] = piece[:rows, :columns]
    return out


def small_scene(count: int, width: int, height: int) -> Any:
    from smartsplat.model.splats import Splats

    rng = np.random.default_rng(1)
    xy = rng.uniform([0, 0], [width, height], (count, 2))
    scales, angles = np.exp(rng.uniform(0, 1.8, (count, 2))), rng.uniform(0, 3, count)
    return Splats.from_arrays(xy, scales, angles, rng.normal(0, 0.4, (count, 3)))


def parity(run: Run) -> None:
    """Greatest differences from the cpu engine, relative to the greatest value."""
    from smartsplat.engines import Loss, load_engine
    from smartsplat.model.view import View

    width, height, count = (20, 18, 3) if run.smoke else (515, 390, 4000)
    splats, target = small_scene(count, width, height), np.ascontiguousarray(run.planes[:, :height, :width])
    frames = [e.canvas(View(width, height), ssim=True).place(splats) for e in (run.engine, load_engine("cpu"))]

    def error(get: Callable[[Any], Any]) -> float:
        found, expected = (np.asarray(get(frame), np.float64) for frame in frames)
        return float(np.abs(found - expected).max() / np.abs(expected).max())

    verbs: dict[str, Callable[[Any], Any]] = {"render": lambda frame: frame.render()}
    for kind, weight in (("l2", 1.0), ("l1+ssim", 0.9)):
        loss = Loss(kind, weight)
        verbs[f"gradient {kind}"] = lambda frame, loss=loss: frame.gradient(target, loss)[1]
    direction = np.random.default_rng(2).normal(size=(count, 8))
    verbs["normal_product"] = lambda frame: frame.normal_product(direction)
    for name, get in verbs.items():
        run.note("parity", verb=name, splats=count, relative_error=error(get))


def operator_parity(run: Run) -> None:
    """The same of ``rasterize`` and its gradients, beside those of the CPU's operator."""
    import torch

    from smartsplat.gpu import blending
    from smartsplat.torch import rasterize

    width, height, count = (20, 18, 3) if run.smoke else (515, 390, 2000)
    splats = small_scene(count, width, height)
    columns = [
        torch.from_numpy(np.ascontiguousarray(c)) for c in (splats.xy, splats.scale, splats.angle, splats.colour)
    ]
    columns.append(torch.full((count,), 0.3))
    cotangent = torch.randn(height, width, 3, generator=torch.Generator().manual_seed(1))
    for blend in ("sum", "alpha", "topk"):
        leaves = [column.clone().requires_grad_() for column in columns]
        picture = rasterize(*leaves[:4], height, width, opacities=leaves[4], blend=blend)
        picture.backward(cotangent)
        on_card = [column.to(run.device) for column in columns]
        scene = blending.scene_of(on_card[0], tuple(on_card[1:3]), on_card[3], on_card[4], height, width, blend, 10)
        gradients = blending.gradients(scene, tuple(on_card[1:3]), on_card[4], cotangent.to(run.device))
        pairs = [(blending.draw(scene), picture.detach()), *zip(gradients, (leaf.grad for leaf in leaves), strict=True)]
        errors = [float((a.cpu() - b).abs().max() / b.abs().max()) for a, b in pairs]
        run.note("operator_parity", blend=blend, splats=count, relative_error=max(errors))


def paper_fit(run: Run) -> Any:
    """The paper's protocol: the splats that come of it."""
    from smartsplat.engines import Loss
    from smartsplat.fitting.paper import PaperState, Parameters
    from smartsplat.fitting.steplog import float_error
    from smartsplat.model.recipe import RECIPES
    from smartsplat.model.report import psnr_of
    from smartsplat.model.view import View
    from smartsplat.pipeline.job import Job
    from smartsplat.pipeline.paper import start_as_the_paper

    recipe, (_, height, width) = RECIPES["paper"], run.planes.shape
    job = Job(run.planes, False, run.engine, 5)
    started = time.perf_counter()
    start = start_as_the_paper(job, recipe, run.splats)
    run.note("start_seconds", splats=run.splats, value=time.perf_counter() - started)
    parameters, loss = Parameters(recipe, width, height), Loss("l1+ssim", recipe.lambda_l)
    state = PaperState.before(parameters.of(start)).held(run.engine)
    canvas, clock, steps = run.engine.canvas(View(width, height), ssim=True), 0.0, 0
    while steps < (2 if run.smoke else STEPS):
        if state.steps == (1 if run.smoke else WARM):
            run.done()
            clock, steps = time.perf_counter(), 0
        gradient = canvas.place(parameters.splats(state.parameters)).gradient(job.target, loss)[1]
        state, steps = state.after(parameters.gradient(state.parameters, gradient), parameters.rates), steps + 1
        try:
            run.require_time(FIT_SHARE)
        except _OutOfTime:
            break
    run.done()
    seconds = time.perf_counter() - clock
    run.note("steps_per_second", steps=steps, value=steps / seconds)
    run.note("seconds_to_1000_steps", value=1000 * seconds / steps, extrapolated=steps < STEPS)
    frame = canvas.place(parameters.splats(state.parameters))
    run.note("psnr", steps=state.steps, value=psnr_of(255**2 * float_error(frame, job.target), run.planes.size))
    _memory(run, frame)
    return frame


def _memory(run: Run, frame: Any) -> None:
    import torch

    from smartsplat.gpu.memory import fit_bytes

    _, height, width = run.planes.shape
    pairs, spans = _lists(frame)
    counted = fit_bytes(width, height, len(frame.splats), pairs, spans)
    held = torch.cuda.max_memory_allocated() if run.device.type == "cuda" else None
    run.note("memory", value=held, counted=counted, pairs=pairs)


def _lists(frame: Any) -> tuple[int, int]:
    """Pairs of splats and tiles, and spans, in all."""
    lists = [frame._frame.lists(group).sorted for group in range(len(frame._frame.groups))]
    return sum(one.members.shape[0] for one in lists), sum(one.spans for one in lists)


def frames(run: Run, frame: Any) -> None:
    """Full frames: drawn on the card, and brought to the host."""
    import torch

    from smartsplat.gpu.frames import BYTES

    def on_card() -> None:
        for _ in frame._frame.picture(BYTES, torch.uint8):
            pass

    run.note("frames_per_second", value=1 / run.timed(on_card, 20))
    run.note("frames_per_second_on_host", value=1 / run.timed(frame.render_bytes, 5))


def ceilings(run: Run) -> tuple[float, float]:
    """What the card reaches: bytes a second in a copy, and operations of single precision a second."""
    import torch

    from benchmarks.gpu_parts import chain
    from smartsplat.gpu.launch import launch

    size = 1 << (12 if run.smoke else 28)
    source, target = torch.zeros(size, device=run.device), torch.zeros(size, device=run.device)
    copied = 2 * 4 * size / run.timed(lambda: target.copy_(source), 9)
    programs, links, block = (1, 4, 256) if run.smoke else (1 << 15, 4096, 1024)
    out = torch.zeros(programs * block, device=run.device)
    seconds = run.timed(lambda: launch(chain, (programs,), out, links, S=block), 5)
    operations = 2 * 4 * links * programs * block / seconds  # four independent chains of multiply and add
    run.note("ceilings", bytes_per_second=copied, operations_per_second=operations)
    return copied, operations


def roofline(run: Run, frame: Any) -> None:
    """A step of squared errors and one of the paper's loss, over the greater of what their operations and bytes
    take."""
    from smartsplat.engines import Loss

    bandwidth, speed = ceilings(run)
    target = run.engine.hold(run.planes)
    (pairs, spans), samples = _lists(frame), run.planes.size
    drawing = pairs * 256 * (PAINT_OPERATIONS + GATHER_OPERATIONS)
    for kind in ("l2", "l1+ssim"):
        similar = kind != "l2"
        operations = drawing + samples * (SSIM_OPERATIONS if similar else 8)
        moved = samples * ((SSIM_BYTES if similar else 1) + 8) + pairs * (4 + 48) + spans * 72
        loss = Loss(kind, 0.9)
        seconds = run.timed(lambda loss=loss: frame.gradient(target, loss), 9)
        floor = max(operations / speed, moved / bandwidth)
        run.note(
            "roofline", loss=kind, seconds=seconds, operations=operations, bytes=moved, floor_seconds=floor,
            times_floor=seconds / floor,
        )  # fmt: skip


def encoding(run: Run) -> None:
    """The default encoding at CR 200, and its decoding with both engines."""
    from smartsplat.pictures.reading import read
    from smartsplat.pipeline.encode import encode_picture
    from smartsplat.pipeline.options import Options
    from smartsplat.pipeline.target import Target

    picture = read(np.ascontiguousarray(run.planes.transpose(1, 2, 0)), max_pixels=1 << 30)
    options = Options(Target(splats=3), effort=1, lattice="none") if run.smoke else Options(Target(cr=CR))
    started = time.perf_counter()
    try:
        file = encode_picture(picture, options, run.engine, lambda _: run.require_time(ENCODE_SHARE))
    except _OutOfTime:
        run.note("encode", seconds=time.perf_counter() - started, broken_off=True)
        return
    report = file.report
    assert report is not None
    run.note("encode", seconds=report.seconds, bytes=len(file), psnr=report.psnr, splats=report.splats)
    decoding(run, file)


def decoding(run: Run, file: Any) -> None:
    from smartsplat.engines import load_engine
    from smartsplat.model.view import View

    splats, lattice = file.decode_splats(), file.decode_lattice()
    out = np.empty((file.height, file.width, 3), np.uint8)
    for engine in (run.engine, load_engine("cpu")):
        views = engine.views(file.width, file.height, splats, lattice)
        seconds = run.timed(lambda v=views: v.render(View(file.width, file.height), out, threads=0), 3)
        run.note("decode", engine=engine.name, seconds=seconds)


def gsplat(run: Run) -> None:
    """Alpha compositing of the same splats by gsplat's rasteriser and ours, forward and backward."""
    import torch

    from smartsplat.gpu import blending
    from smartsplat.gpu.placing import SUPPORT

    width, height, count = (20, 18, 3) if run.smoke else (3840, 2160, 100_000)
    splats = small_scene(count, width, height)
    means, scales, angles, colours = (
        torch.from_numpy(np.ascontiguousarray(c)).to(run.device)
        for c in (splats.xy, splats.scale, splats.angle, splats.colour)
    )
    opacities, cotangent = torch.full((count,), 0.3, device=run.device), torch.rand(height, width, 3, device=run.device)

    def ours() -> None:
        scene = blending.scene_of(means, (scales, angles), colours, opacities, height, width, "alpha", 1)
        blending.draw(scene)
        blending.gradients(scene, (scales, angles), opacities, cotangent)

    run.note("alpha", system="smartsplat", splats=count, seconds=run.timed(ours, 9))
    try:
        from gsplat import isect_offset_encode, isect_tiles, rasterize_to_pixels
    except ImportError:
        run.note("alpha", system="gsplat", status="not installed")
        return
    cos, sin = torch.cos(angles), torch.sin(angles)
    a, b = (1 / scales**2).unbind(1)
    conics = torch.stack([cos * cos * a + sin * sin * b, cos * sin * (a - b), sin * sin * a + cos * cos * b], dim=1)
    radii = (SUPPORT**0.5 * scales.amax(dim=1, keepdim=True)).ceil().int().expand(-1, 2).contiguous()
    leaves = [tensor[None].clone().requires_grad_() for tensor in (means, conics, colours, opacities)]
    down, across = -(-height // 16), -(-width // 16)

    def theirs() -> None:
        depths = torch.arange(count, dtype=torch.float32, device=run.device)[None]
        _, keys, order = isect_tiles(means[None], radii[None], depths, 16, across, down)
        offsets = isect_offset_encode(keys, 1, across, down)
        picture, _ = rasterize_to_pixels(*leaves, width, height, 16, offsets, order)
        torch.autograd.grad(picture, leaves, cotangent[None])

    run.note("alpha", system="gsplat", splats=count, seconds=run.timed(theirs, 9))


def parts(run: Run) -> Iterator[Callable[[], None]]:
    yield lambda: parity(run)
    yield lambda: operator_parity(run)
    yield lambda: gsplat(run)

    def of_the_paper() -> None:
        frame = paper_fit(run)
        frames(run, frame)
        roofline(run, frame)

    yield of_the_paper
    yield lambda: encoding(run)


def measure(run: Run) -> bool:
    """All parts; one that fails does not keep the others from being measured. Whether all went well."""
    well = True
    for part in parts(run):
        try:
            part()
        except Exception as error:
            well = False
            run.note("failed", error=f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
            if run.smoke:
                raise
    run.note("whole_run", seconds=time.perf_counter() - run.started)
    return well


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", type=Path, help="a picture file (default: a mosaic of 15360 x 11520)")
    parser.add_argument("--smoke", action="store_true", help="tiny, under the interpreter: only whether the code runs")
    options = parser.parse_args()
    if options.smoke:
        os.environ["TRITON_INTERPRET"] = "1"
        from benchmarks.interpreter import patch_once

        patch_once()
    from smartsplat.errors import SmartSplatError
    from smartsplat.pictures.planes import to_planes
    from smartsplat.pictures.reading import load

    try:
        from smartsplat.gpu import devices
    except ImportError as error:
        raise SystemExit(f"benchmarks.gpu: {error}") from None
    try:
        device = devices.processor() if options.smoke else devices.card()
    except SmartSplatError as error:
        raise SystemExit(f"benchmarks.gpu: {error}; --smoke only tries whether this code runs") from None
    size = (24, 18) if options.smoke else (15360, 11520)
    pixels = load(options.picture, max_pixels=1 << 30).pixels if options.picture else mosaic(*size)
    run = Run(device, options.smoke, to_planes(pixels))
    well = measure(run)
    if not options.smoke:
        write(run)
    sys.exit(0 if well else 1)


def write(run: Run) -> None:
    import torch
    import triton

    from benchmarks.results import append, machine
    from smartsplat.gpu import devices

    made = {"card": devices.name_of(run.device), "torch": torch.__version__, "triton": triton.__version__} | machine()
    for row in run.rows:
        append("gpu", row | made)


if __name__ == "__main__":
    main()
