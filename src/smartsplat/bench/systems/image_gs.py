"""Image-GS (Zhang et al. 2024b) as its authors published it."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from smartsplat.bench.systems.draws import draw_pixels, growth_interval, pixel_centres, sobel
from smartsplat.bench.systems.interface import System, parameter
from smartsplat.bench.systems.losses import similarity_error
from smartsplat.torch import rasterize

RATES = {"places": 5e-4, "inverse_scales": 2e-3, "angles": 2e-3, "colours": 5e-3}
"""Adam's; a place is in parts of the picture's sides, an inverse scale in 1/px."""
START, ADDITIONS = 0.5, 4
UNIFORM = 0.3
SCALE = 5.0
STRONGEST = 10
SIMILARITY = 0.1
MOST_STEPS = 10_000
JUDGE_EVERY, PATIENCE = 100, 1000
LEAST_GAIN = {"psnr": 0.1, "ssim": 1e-3}
SLOWER, MOST_SLOWINGS = 0.1, 1


class ImageGS(System):
    """Half of the splats by gradient, the rest by error in four additions; the ten strongest make a pixel, normalised.

    Once all splats are there it is judged every 100 steps. When neither 0.1 dB and 0.001 of SSIM are gained in 1000
    steps the rates fall to a tenth, once, and the next time it has finished; it has after 10,000 steps in any case.
    """

    numbers: ClassVar[int] = 8

    def __init__(self, target: Tensor, count: int, steps: int, random: torch.Generator) -> None:
        self._target, self._random = target, random
        self._height, self._width = target.shape[:2]
        self._sides = torch.tensor([float(self._width), float(self._height)])
        self._interval = growth_interval(steps)
        self._final_count = count
        indices = self._first_pixels(math.ceil(START * count))
        self._addition = math.ceil((count - len(indices)) / ADDITIONS)
        self._set(self._new(indices, target.view(-1, 3)[indices]))
        self._judge = Judge()
        self._steps = 0

    @property
    def count(self) -> int:
        """Splats so far."""
        return len(self._parameters["places"])

    def step(self) -> Tensor:
        """See ``System``."""
        drawn = self._drawn()
        loss = SIMILARITY + similarity_error(drawn, self._target, absolute=1, ssim=-SIMILARITY)
        torch.autograd.backward(loss)
        self._optimiser.step()
        self._optimiser.zero_grad()
        self._steps += 1
        with torch.no_grad():
            self._after_step()
        return loss.detach()

    def picture(self) -> Tensor:
        """See ``System``."""
        with torch.no_grad():
            return self._drawn().clamp(0, 1)

    def _drawn(self) -> Tensor:
        p = self._parameters
        return rasterize(
            p["places"] * self._sides, 1 / p["inverse_scales"], p["angles"], p["colours"],
            self._height, self._width, blend="topk", k=STRONGEST,
        )  # fmt: skip

    def _first_pixels(self, count: int) -> Tensor:
        """Pixels anywhere, and others by the square of the gradient over all channels."""
        uniform = round(UNIFORM * count)
        anywhere = draw_pixels(torch.ones(self._height * self._width), uniform, self._random)
        across, down = sobel(self._target.permute(2, 0, 1), "reflect")
        weights = (across**2 + down**2).sum(0).reshape(-1).double()
        if not weights.any():  # a flat picture
            weights = torch.ones_like(weights)
        return torch.cat([anywhere, draw_pixels(weights, count - uniform, self._random)])

    def _new(self, indices: Tensor, colours: Tensor) -> dict[str, Tensor]:
        """Parameters of splats at pixels."""
        return {
            "places": pixel_centres(indices, self._width) / self._sides,
            "inverse_scales": torch.full((len(indices), 2), 1 / SCALE),
            "angles": torch.zeros(len(indices)),
            "colours": colours,
        }

    def _set(self, values: dict[str, Tensor]) -> None:
        """Has these parameters from now on, and forgets what the optimiser knows."""
        self._parameters = {name: parameter(value) for name, value in values.items()}
        groups = [{"params": [self._parameters[name]], "lr": rate} for name, rate in RATES.items()]
        self._optimiser = torch.optim.Adam(groups)

    def _after_step(self) -> None:
        full = self.count >= self._final_count
        if full and self._steps % JUDGE_EVERY == 0:
            self._slow_down_or_finish()
        elif not full and self._steps % self._interval == 0:
            self._grow()
        self.finished = self.finished or self._steps >= MOST_STEPS

    def _grow(self) -> None:
        """Adds splats where the error is, drawn by its square, with the error as their colours."""
        error = blurred(self._target) - self.picture()
        weights = error.abs().mean(dim=2).reshape(-1).double() ** 2
        if not weights.any():  # nothing is left to add
            self._final_count = self.count
            return
        indices = draw_pixels(weights, min(self._addition, self._final_count - self.count), self._random)
        new = self._new(indices, error.view(-1, 3)[indices])
        self._set({name: torch.cat([old.detach(), new[name]]) for name, old in self._parameters.items()})

    def _slow_down_or_finish(self) -> None:
        picture = self.picture()
        error = float(torch.nn.functional.mse_loss(picture, self._target))
        psnr = -10 * math.log10(error) if error else math.inf
        if not self._judge.out_of_patience(psnr, float(similarity_error(picture, self._target, ssim=1))):
            return
        self.finished = self._judge.slowings > MOST_SLOWINGS
        for group in self._optimiser.param_groups:
            group["lr"] *= SLOWER


class Judge:
    """Whether a fit still gets better.

    Attributes:
        slowings: how often it was out of patience.
    """

    def __init__(self) -> None:
        self.slowings = 0
        self._best_psnr = self._best_ssim = 0.0
        self._waited = 0

    def out_of_patience(self, psnr: float, ssim: float) -> bool:
        """Told of the quality after JUDGE_EVERY more steps; both figures must grow for a gain."""
        if psnr > self._best_psnr + LEAST_GAIN["psnr"] and ssim > self._best_ssim + LEAST_GAIN["ssim"]:
            self._best_psnr, self._best_ssim, self._waited = psnr, ssim, 0
            return False
        self._waited += JUDGE_EVERY
        if self._waited < PATIENCE:
            return False
        self._waited = 0
        self.slowings += 1
        return True


def blurred(picture: Tensor) -> Tensor:
    """A picture [H, W, C] under a Gaussian whose window has about sqrt(H W) / 400 px a side, an odd number.

    Its deviation is that which torchvision takes for the window: 0.3 ((side - 1) / 2 - 1) + 0.8. Pictures of less than
    400 x 400 px stay as they are.
    """
    height, width = picture.shape[:2]
    side = int(math.sqrt(height * width) // 400)
    if side < 1:
        return picture
    side = max(3, side) | 1
    reach = side // 2
    taps = torch.exp(-(torch.arange(-reach, reach + 1) ** 2) / (2 * (0.3 * (reach - 1) + 0.8) ** 2))
    taps = taps / taps.sum()
    planes = picture.permute(2, 0, 1).unsqueeze(1)
    planes = torch.nn.functional.pad(planes, (reach, reach, reach, reach), mode="reflect")
    planes = torch.nn.functional.conv2d(planes, taps.view(1, 1, -1, 1))
    planes = torch.nn.functional.conv2d(planes, taps.view(1, 1, 1, -1))
    return planes[:, 0].permute(1, 2, 0)
