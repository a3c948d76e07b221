"""Rounds splats to codes a part at a time, so that the others can make up for what rounding spoils."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smartsplat.coding.splat_codes import Codes, dequantise, quantise, quantise_colours, round_centres
from smartsplat.engines import Canvas
from smartsplat.fitting.bounds import Bounds
from smartsplat.fitting.colours import solve_colours
from smartsplat.fitting.elongation import Structure
from smartsplat.fitting.gauss_newton import FIRST_DAMPING, Booleans, newton_step, start_newton
from smartsplat.fitting.levels import Planes
from smartsplat.fitting.schedule import PRODUCTS
from smartsplat.model.splats import ANGLE, Splats

SEED = 1
"""Of the order in which splats are rounded; by strength, either way, was no better."""


@dataclass(frozen=True, eq=False)
class Polish:
    """Where the others move.

    Attributes:
        canvas: of a level, with the lattice if there is one.
        target: planes of the level.
        rounds: 1 rounds all splats at once.
        structure: of the picture; None: splats may be as long as they like.
        threads: that may be used, 0 for one for each processor; the result does not depend on it.
    """

    canvas: Canvas
    target: Planes
    rounds: int
    structure: Structure | None = None
    threads: int = 0


def round_in_turns(
    canvas: Canvas, target: Planes, splats: Splats, base_step: float, polish: Polish, *, products: int
) -> Codes:
    """Codes of the splats, in their order.

    In each of the rounds an equal share of the splats, drawn at random, gets its rounded shape and keeps it; then
    a Gauss-Newton step moves the others, and all colours. The colours are solved for and rounded at the end.

    Args:
        canvas: of the picture itself, with the lattice if there is one.
        target: its planes.
        splats: N fitted splats.
        base_step: K of the quantisation steps.
        polish: how many rounds, and where the others move meanwhile.
        products: of the last solve of colours.
    """
    size = canvas.view.width, canvas.view.height
    turn = np.random.default_rng(SEED).permutation(len(splats)) * polish.rounds // max(1, len(splats))
    codes = np.zeros((len(splats), 9), np.int32)
    damping = FIRST_DAMPING
    for done in range(polish.rounds):
        rows = turn == done
        codes[rows] = round_centres(quantise(Splats(splats.parameters[rows]), base_step, *size), *size)
        splats = _with_shapes(splats, rows, codes, base_step)
        if done < polish.rounds - 1:
            state = start_newton(polish.canvas.place(splats), polish.target, damping)
            limits = polish.structure.limits(splats) if polish.structure else None
            state = newton_step(
                state, polish.target, Bounds.of(*size), PRODUCTS, held=turn <= done, limits=limits,
                threads=polish.threads,
            )  # fmt: skip
            splats, damping = state.frame.splats.on_host(), state.damping
    solved = solve_colours(canvas.place(splats), target, products=products).splats.on_host()
    return quantise_colours(solved.colour, codes, base_step)


def _with_shapes(splats: Splats, rows: Booleans, codes: Codes, base_step: float) -> Splats:
    """The splats, those of the rows with the shapes of their codes."""
    parameters = splats.parameters.copy()
    parameters[rows, : ANGLE + 1] = dequantise(codes[rows], base_step).parameters[:, : ANGLE + 1]
    return Splats(parameters)
