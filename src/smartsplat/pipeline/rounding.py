"""Rounds splats to codes a part at a time, so that the others can make up for what rounding spoils."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smartsplat.coding.splat_codes import Codes, dequantise, quantise, quantise_colours, round_centres
from smartsplat.engines import Frame
from smartsplat.fitting.bounds import Bounds
from smartsplat.fitting.colours import solve_colours
from smartsplat.fitting.gauss_newton import GaussNewton
from smartsplat.fitting.levels import Planes
from smartsplat.fitting.schedule import PRODUCTS
from smartsplat.model.splats import ANGLE, Splats

SEED = 1
"""Of the order in which splats are rounded; by strength, either way, was no better."""


@dataclass(frozen=True)
class Polish:
    """Where the others move: a frame of a level, with the lattice if there is one, and its target.

    Attributes:
        frame: of the level.
        target: its planes.
        rounds: 1 rounds all splats at once.
    """

    frame: Frame
    target: Planes
    rounds: int


def round_in_turns(
    frame: Frame, target: Planes, splats: Splats, base_step: float, polish: Polish, *, products: int
) -> Codes:
    """Codes of the splats, in their order.

    In each of the rounds an equal share of the splats, drawn at random, gets its rounded shape and keeps it; then
    a Gauss-Newton step moves the others, and all colours. The colours are solved for and rounded at the end.

    Args:
        frame: of the picture itself, with the lattice under the splats, if there is one.
        target: its planes.
        splats: N fitted splats.
        base_step: K of the steps.
        polish: how many rounds, and where the others move meanwhile.
        products: of the last solve of colours.
    """
    size = frame.view.width, frame.view.height
    rounds = polish.rounds
    turn = np.random.default_rng(SEED).permutation(len(splats)) * rounds // max(1, len(splats))
    codes = np.zeros((len(splats), 9), np.int32)
    newton = GaussNewton(Bounds.of(*size))
    for done in range(rounds):
        rows = turn == done
        codes[rows] = round_centres(quantise(Splats(splats.parameters[rows]), base_step, *size), *size)
        parameters = splats.parameters.copy()
        parameters[rows, : ANGLE + 1] = dequantise(codes[rows], base_step).parameters[:, : ANGLE + 1]
        splats = Splats(parameters)
        if done < rounds - 1:
            splats = newton.run(polish.frame, polish.target, splats, 1, PRODUCTS, held=turn <= done)
    solved = solve_colours(frame, target, splats, products=products)
    return quantise_colours(solved.colour, codes, base_step)
