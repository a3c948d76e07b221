"""Splats as integers, and back.

Steps follow from sensitivity: changing a parameter by d changes the sum of squared errors by about h d^2, and
all parameters of all splats get the step that makes h step^2 the same, K^2. With the area A = pi sx sy and the
amplitude |c|, h is A for a colour, and A |c|^2 times a number near 1 for the shape in units of the splat's own
size. So with the *energy class* E = log2(|c| sqrt(A) / K), which each splat carries, shapes have steps of about
2^-E, and only the colour's step K / sqrt(A) depends on the size. A splat of class 0 is hardly above the noise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smartsplat import _native
from smartsplat.coding.format import (
    CENTRE_UNIT,
    COLOUR_BASIS,
    GREATEST_COLOUR,
    GREATEST_ENERGY,
    GREATEST_RATIO,
    GREATEST_SIZE,
    LEAST_SIZE,
)
from smartsplat.model.splats import Splats

Codes = NDArray[np.int32]
"""Splat codes [N, 9]: x, y [1/256 px], energy, size, ratio, turn, and three colour coordinates."""

X, Y, ENERGY, SIZE, RATIO, TURN = range(6)
COLOURS = slice(6, 9)

_BASIS = np.array(COLOUR_BASIS)


def _steps(codes: Codes, base_step: float) -> NDArray[np.float64]:
    """The colour's step [N, 1], K / sqrt(A)."""
    size = np.exp2(codes[:, SIZE] * np.exp2(-codes[:, ENERGY].astype(np.float64)))
    return np.asarray((base_step / (np.sqrt(np.pi) * size))[:, None])


def quantise_colours(colour: NDArray[np.float32], codes: Codes, base_step: float) -> Codes:
    """The codes with other colours [N, 3]; nothing else changes."""
    changed = codes.copy()
    # Not `@`: OpenBLAS takes 32 MB for it, ends the process if there are none, and rounds as its processor likes.
    coordinates = sum(colour[:, [k]].astype(np.float64) * _BASIS[:, k] for k in range(3))
    changed[:, COLOURS] = np.rint(coordinates / _steps(codes, base_step)).clip(-GREATEST_COLOUR, GREATEST_COLOUR)
    return changed


def quantise(splats: Splats, base_step: float, width: int, height: int) -> Codes:
    """Codes of splats, in the same order; centres are still at full precision (the stream rounds them)."""
    p = splats.canonical().parameters.astype(np.float64)
    codes = np.zeros((len(p), 9), np.int32)
    strength = np.sqrt((p[:, 5:] ** 2).sum(axis=1) * np.pi * p[:, 2] * p[:, 3])
    energy = np.rint(np.log2(np.maximum(strength / base_step, 1e-9))).clip(0, GREATEST_ENERGY)
    codes[:, ENERGY] = energy
    size = (np.log2(p[:, 2] * p[:, 3]) / 2).clip(LEAST_SIZE, GREATEST_SIZE)
    ratio = np.log2(p[:, 2] / p[:, 3]).clip(0, GREATEST_RATIO)
    codes[:, SIZE] = np.rint(size * np.exp2(energy))
    codes[:, RATIO] = np.floor(ratio * np.exp2(energy - 1) + 0.5).clip(max=GREATEST_RATIO * np.exp2(energy - 1))
    turns = np.left_shift(1, _native.splat_precision(codes)[:, 0])
    codes[:, TURN] = np.rint(p[:, 4] / np.pi * turns).astype(np.int32) % turns
    codes[:, X] = np.floor(p[:, 0] * CENTRE_UNIT).clip(0, width * CENTRE_UNIT - 1)
    codes[:, Y] = np.floor(p[:, 1] * CENTRE_UNIT).clip(0, height * CENTRE_UNIT - 1)
    return quantise_colours(splats.colour, codes, base_step)


def round_centres(codes: Codes, width: int, height: int) -> Codes:
    """The codes with their centres as a stream would round them, but for steps wider than its cells.

    A centre that is rounded in x is moved along the splat's ridge in y, as native/coding/splat_stream.cpp does.
    """
    rounded = codes.copy()
    bits = _native.splat_precision(codes)
    rounded[:, X] = _to_step(codes[:, X], bits[:, 1], width)
    shape = _native.dequantise_splats(codes, 1.0).astype(np.float64)
    c, s, squared = np.cos(shape[:, 4]), np.sin(shape[:, 4]), (shape[:, 3] / shape[:, 2]) ** 2
    slope = c * s * (1 - squared) / (c * c + s * s * squared)
    y = codes[:, Y] + np.rint((rounded[:, X] - codes[:, X]) * slope)
    rounded[:, Y] = _to_step(y.clip(0, height * CENTRE_UNIT - 1).astype(np.int32), bits[:, 2], height)
    return rounded


def _to_step(place: NDArray[np.int32], bits: NDArray[np.int32], side: int) -> NDArray[np.int32]:
    """The middles of steps of 2^-bits px."""
    step = np.left_shift(1, 8 - bits)
    return np.asarray(np.minimum(place // step * step + step // 2, side * CENTRE_UNIT - 1), np.int32)


def dequantise(codes: Codes, base_step: float, *, threads: int = 1) -> Splats:
    """The splats that codes stand for; threads: 0 for one for each processor."""
    return Splats(_native.dequantise_splats(codes, base_step, threads))


def visible(codes: Codes) -> Codes:
    """The codes without the splats whose colours are all zero."""
    return np.asarray(codes[(codes[:, COLOURS] != 0).any(axis=1)])
