"""Steps of parameters in NumPy's terms, for arrays that an engine holds elsewhere; the native core has the same."""

from __future__ import annotations

import numpy as np

from smartsplat.model.splats import ANGLE, CENTRE, COLOUR, SCALE, Floats

Limits = tuple[float, float, float, float, float]
"""As ``smartsplat.fitting.bounds.Bounds``."""

LEAST = 1e-30
"""Keeps 0 / 0 away where a parameter has no gradient anywhere."""


def move(parameters: Floats, direction: Floats, longest: float, bounds: Limits) -> None:
    """Moves parameters [N, 8] along a direction in natural units, no component by more than ``longest``."""
    width, height, least_scale, greatest_scale, greatest_colour = bounds
    d = direction.clip(-longest, longest)
    cos, sin = np.cos(parameters[:, ANGLE]), np.sin(parameters[:, ANGLE])
    along = d[:, CENTRE] * parameters[:, SCALE]
    x = parameters[:, 0] + cos * along[:, 0] - sin * along[:, 1]
    y = parameters[:, 1] + sin * along[:, 0] + cos * along[:, 1]
    parameters[:, 0] = x.clip(0, width)
    parameters[:, 1] = y.clip(0, height)
    scale = parameters[:, SCALE] * np.exp(d[:, SCALE])
    parameters[:, SCALE] = scale.clip(least_scale, greatest_scale)
    parameters[:, ANGLE] += d[:, ANGLE]
    colour = parameters[:, COLOUR] + d[:, COLOUR]
    parameters[:, COLOUR] = colour.clip(-greatest_colour, greatest_colour)


def adam_direction(
    gradient: Floats,
    first: Floats,
    second: Floats,
    rates: Floats,
    betas: tuple[float, float],
    steps: int,
    epsilon: float,
) -> Floats:
    """Where Adam goes in its step of that number, from 1 on; brings the moments up to date.

    Args:
        gradient: [N, 8]; what is not finite counts as zero.
        first: moments [N, 8].
        second: likewise.
        rates: of the parameters, [8].
        betas: decay of the moments.
        steps: see above.
        epsilon: relative to the typical gradient.
    """
    gradient = np.where(np.isfinite(gradient), gradient, 0)
    first += (1 - betas[0]) * (gradient - first)
    second += (1 - betas[1]) * (gradient * gradient - second)
    unbias = (1 - betas[1] ** steps) ** -0.5
    floors = epsilon * unbias * np.sqrt(second.astype(np.float64).mean(axis=0)) + LEAST
    size = np.sqrt(second) * unbias + floors.astype(np.float32)
    direction: Floats = first / size * (rates * np.float32(-1 / (1 - betas[0] ** steps)))
    return direction
