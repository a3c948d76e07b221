"""Image-GS as the paper's harness wrote it anew: a plain sum of all splats, not its authors' normalised mean.

Its loss *adds* a tenth of SSIM, so that it is lowered; that is kept.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from smartsplat.bench.systems.draws import draw_pixels, growth_interval, pixel_centres, sobel
from smartsplat.bench.systems.interface import System, parameter, step_decay
from smartsplat.bench.systems.losses import similarity_error
from smartsplat.torch import rasterize

RATES = {"places": 5e-4, "colours": 5e-3, "inverse_scales": 2e-3, "turns": 2e-3}
"""Adam's; a place runs from -1 to 1 across the picture, an inverse scale is in 1/px, a turn is before its sigmoid."""
DECAY_EVERY, DECAY = 20_000, 0.5
LUMA = (0.299, 0.587, 0.114)
UNIFORM = 0.3
SCALE = 5.0
SIMILARITY = 0.1
OFTEN = 100
EDGE = 0.9999


class ImageGSHarness(System):
    """Half of the splats by gradient, then an eighth of N more each 500 steps among the pixels of most error."""

    numbers: ClassVar[int] = 8

    def __init__(self, target: Tensor, count: int, steps: int, random: torch.Generator) -> None:
        self._target, self._random = target, random
        self._height, self._width = target.shape[:2]
        self._half = torch.tensor([self._width / 2, self._height / 2])
        self._interval = growth_interval(steps)
        self._final_count = count
        indices = draw_pixels(start_weights(target), max(1, count // 2), random)
        self._parameters = {name: parameter(value) for name, value in self._new(indices).items()}
        groups = [{"params": [self._parameters[name]], "lr": rate} for name, rate in RATES.items()]
        self._optimiser = torch.optim.Adam(groups)
        self._steps = 0

    @property
    def count(self) -> int:
        """Splats so far."""
        return len(self._parameters["places"])

    def step(self) -> Tensor:
        """See ``System``."""
        sums = self._sums()
        loss = similarity_error(sums, self._target, absolute=1, ssim=SIMILARITY, clamped=True)
        torch.autograd.backward(loss)
        for group, rate in zip(self._optimiser.param_groups, RATES.values(), strict=True):
            group["lr"] = step_decay(rate, self._steps, DECAY_EVERY, DECAY)
        self._optimiser.step()
        self._optimiser.zero_grad()
        self._steps += 1
        if self._steps % self._interval == 0 and self.count < self._final_count:
            self._grow(sums.detach().clamp(0, 1))
        return loss.detach()

    def picture(self) -> Tensor:
        """See ``System``."""
        with torch.no_grad():
            return self._sums().clamp(0, 1)

    def _sums(self) -> Tensor:
        p = self._parameters
        means = (p["places"].clamp(-EDGE, EDGE) + 1) * self._half
        scales, angles = 1 / (p["inverse_scales"] + 1e-8).abs(), 2 * math.pi * torch.sigmoid(p["turns"])
        return rasterize(means, scales, angles, p["colours"].clamp(0, 1), self._height, self._width)

    def _new(self, indices: Tensor) -> dict[str, Tensor]:
        """Parameters of splats at pixels."""
        return {
            "places": pixel_centres(indices, self._width) / self._half - 1,
            "colours": self._target.view(-1, 3)[indices],
            "inverse_scales": torch.full((len(indices), 2), 1 / SCALE),
            "turns": torch.zeros(len(indices)),
        }

    def _grow(self, drawn: Tensor) -> None:
        """Adds splats at some of the pixels whose error was largest in the picture before the step."""
        wanted = min(max(1, self._final_count // 8), self._final_count - self.count)
        error = (drawn - self._target).abs().mean(dim=2).view(-1)
        largest = torch.topk(error, min(OFTEN * wanted, len(error))).indices
        chosen = largest[torch.randperm(len(largest), generator=self._random)[:wanted]]
        new = self._new(chosen)
        for group, name in zip(self._optimiser.param_groups, RATES, strict=True):
            self._parameters[name] = extend(self._optimiser, group, new[name])


def start_weights(target: Tensor) -> Tensor:
    """Weights [H W] of the first pixels: gradient of the luma, zeros beyond the border, mixed with a constant."""
    luma = (target * torch.tensor(LUMA)).sum(2)
    across, down = sobel(luma.unsqueeze(0), "zeros")
    gradient = torch.hypot(across, down).view(-1).double()
    return (1 - UNIFORM) * gradient / (gradient.sum() + 1e-8) + UNIFORM / gradient.numel()


def extend(optimiser: torch.optim.Adam, group: dict[str, list[Tensor]], values: Tensor) -> Tensor:
    """The parameter of a group with more rows, whose moments begin at zero; the group has it from now on."""
    old = group["params"][0]
    new = parameter(torch.cat([old.detach(), values]))
    state = optimiser.state.pop(old)
    for name in ("exp_avg", "exp_avg_sq"):
        state[name] = torch.cat([state[name], torch.zeros_like(values)])
    optimiser.state[new] = state
    group["params"] = [new]
    return new
