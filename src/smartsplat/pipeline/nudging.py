"""Moves the integers of rounded splats by one where that lowers the error: overlapping ones make up for each other.

Each splat is rounded to what is nearest by itself. Its neighbours' roundings leave errors that it could take away by
going the other way; which way that is says the gradient at what is decoded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smartsplat import _native
from smartsplat.coding.format import CENTRE_UNIT, GREATEST_COLOUR, GREATEST_RATIO, GREATEST_SIZE, LEAST_SIZE
from smartsplat.coding.splat_codes import COLOURS, ENERGY, RATIO, SIZE, TURN, Codes, X, Y, dequantise
from smartsplat.engines import Canvas, Frame, Loss
from smartsplat.fitting.levels import Planes, weights_at
from smartsplat.model.splats import Splats
from smartsplat.model.view import View

Doubles = NDArray[np.float64]

MOVED = (X, Y, SIZE, RATIO, TURN, *range(COLOURS.start, COLOURS.stop))
"""The codes that are moved; the energy class is what the others' steps follow from."""

FIRST_PART, LAST_PART = 0.1, 0.01
"""Parts of the splats that move in the first round and in the last: those that move at once do not know each other."""

SEED = 2
"""Of the draw of those that move."""


def nudged(canvas: Canvas, target: Planes, codes: Codes, base_step: float, rounds: int) -> Codes:
    """The codes, moved so that the error is less.

    In each round every splat has the code and the direction that promise most, by the gradient and the error of a
    splat that nothing overlaps; of those, some are moved, rather the better ones.

    Args:
        canvas: of the picture itself.
        target: its planes.
        codes: [N, 9] with centres as they are decoded.
        base_step: K of the quantisation steps.
        rounds: each of one gradient.

    Returns:
        The best that was seen; ``codes`` if that is they.
    """
    rng = np.random.default_rng(SEED)
    best, least = codes, np.inf
    for part in (*np.geomspace(FIRST_PART, LAST_PART, rounds), 0.0):
        frame = canvas.place(dequantise(codes, base_step))
        loss, gradient = frame.gradient(target, Loss("l2"))
        if loss < least:
            best, least = codes, loss
        if part == 0:
            break
        gain, code, sign = _promises(frame, np.asarray(gradient, np.float64) * (target.size / 2), codes, base_step)
        count = min(int(np.ceil(part * len(codes))), int((gain > 0).sum()))
        rows = np.argsort(-gain * rng.random(len(codes)), kind="stable")[:count]
        codes = _moved(codes, rows, code[rows], sign[rows])
    return best


def _promises(
    frame: Frame, gradient: Doubles, codes: Codes, base_step: float
) -> tuple[Doubles, NDArray[np.intp], NDArray[np.int32]]:
    """What the best move of each splat would gain [N], 0 or more, which code it moves, and by what: 1 or -1."""
    splats = frame.splats.on_host()
    weights, precision = weights_at(frame), _native.splat_precision(codes)
    gains = np.zeros((len(codes), len(MOVED)))
    signs = np.zeros((len(codes), len(MOVED)), np.int32)
    for k, code in enumerate(MOVED):
        step = _steps(codes, code, precision)
        direction = _difference(splats, dequantise(_changed(codes, code, step), base_step))
        slope = (gradient * direction).sum(axis=1)
        signs[:, k] = np.where(slope > 0, -1, 1)
        allowed = _is_allowed(_changed(codes, code, signs[:, k] * step), code, precision, frame.canvas.view)
        gains[:, k] = np.where(allowed, np.abs(slope) - _curvature(splats, direction) * weights / 2, 0)
    code_of = gains.argmax(axis=1)
    rows = np.arange(len(codes))
    return np.maximum(gains[rows, code_of], 0), np.array(MOVED)[code_of], signs[rows, code_of]


def _steps(codes: Codes, code: int, precision: NDArray[np.int32]) -> NDArray[np.int32]:
    """What the least change of a code is [N]: centres are in units that are finer than their steps."""
    if code in (X, Y):
        return np.asarray(np.left_shift(1, 8 - precision[:, 1 + code]), np.int32)
    return np.ones(len(codes), np.int32)


def _changed(codes: Codes, code: int, change: NDArray[np.int32]) -> Codes:
    changed = codes.copy()
    changed[:, code] += change
    return changed


def _is_allowed(changed: Codes, code: int, precision: NDArray[np.int32], view: View) -> NDArray[np.bool_]:
    """Whether codes of which that one has changed are within their ranges, and the others still mean the same [N]."""
    value, energy = changed[:, code], changed[:, ENERGY]
    if code in (X, Y):
        return np.asarray((value >= 0) & (value < (view.width if code == X else view.height) * CENTRE_UNIT))
    if code not in (SIZE, RATIO, TURN):
        return np.asarray(np.abs(value) <= GREATEST_COLOUR)
    possible = np.ones(len(changed), np.bool_)
    if code == SIZE:
        possible = (value >= LEAST_SIZE * np.exp2(energy)) & (value <= GREATEST_SIZE * np.exp2(energy))
    elif code == RATIO:
        possible = (value >= 0) & (value <= GREATEST_RATIO * np.exp2(energy - 1))
    same = changed.copy()
    same[~possible, code] = 0
    same[:, TURN] = 0  # shapes that the format has, and an angle that all of them have
    turn_bits = precision[:, 0]
    possible &= _native.splat_precision(same)[:, 0] == turn_bits
    same[possible, TURN] = changed[possible, TURN] % np.left_shift(1, turn_bits[possible])
    return np.asarray(possible & (_native.splat_precision(same) == precision).all(axis=1))


def _moved(codes: Codes, rows: NDArray[np.intp], code: NDArray[np.intp], sign: NDArray[np.int32]) -> Codes:
    """The codes, with one of each of the rows moved."""
    moved = codes.copy()
    precision = _native.splat_precision(codes)
    for which in MOVED:
        chosen = rows[code == which]
        moved[chosen, which] += sign[code == which] * _steps(codes, which, precision)[chosen]
    moved[:, TURN] %= np.left_shift(1, precision[:, 0])
    return moved


def _difference(before: Splats, after: Splats) -> Doubles:
    """From one set of splats to another [N, 8], in natural units."""
    p, q = before.parameters.astype(np.float64), after.parameters.astype(np.float64)
    d = q - p
    c, s = np.cos(p[:, 4]), np.sin(p[:, 4])
    centre = (c * d[:, 0] + s * d[:, 1]) / p[:, 2], (c * d[:, 1] - s * d[:, 0]) / p[:, 3]
    d[:, 0], d[:, 1] = centre
    d[:, 2:4] = np.log(q[:, 2:4] / p[:, 2:4])
    d[:, 4] = (d[:, 4] + np.pi / 2) % np.pi - np.pi / 2
    return d


def _curvature(splats: Splats, d: Doubles) -> Doubles:
    """Second derivative of half the squared error along d [N, 8], of splats that nothing overlaps [N].

    It is that of ``IsolatedBlocks``, without blur.
    """
    p = splats.parameters.astype(np.float64)
    area, colour, ratio = np.pi * p[:, 2] * p[:, 3], p[:, 5:], p[:, 2] / p[:, 3]
    growth = d[:, 2] + d[:, 3]
    shape = 0.5 * (d[:, :4] ** 2).sum(axis=1) + 0.25 * growth**2 + 0.25 * ((ratio - 1 / ratio) * d[:, 4]) ** 2
    own = (d[:, 5:] ** 2).sum(axis=1) + growth * (colour * d[:, 5:]).sum(axis=1)
    return np.asarray(area * ((colour**2).sum(axis=1) * shape + own))
