"""The splats' part of a file: the finest quantisation step whose section fits."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from smartsplat.coding.format import GREATEST_SIZE, SPLAT_STEPS, SPLAT_STEPS_PER_OCTAVE, splat_step
from smartsplat.coding.splat_codes import (
    Codes,
    dequantise,
    quantise,
    quantise_colours,
    visible,
)
from smartsplat.coding.splat_section import write_splats
from smartsplat.engines import Canvas
from smartsplat.fitting.colours import solve_colours
from smartsplat.fitting.levels import Planes
from smartsplat.fitting.relocation import importance
from smartsplat.model.splats import Floats, Splats
from smartsplat.pictures.samples import greatest
from smartsplat.pipeline.nudging import nudged
from smartsplat.pipeline.rounding import Polish, round_in_turns

FULL = 0.98
"""Part of the budget at which a quantisation step is fine enough."""

LEAST_FULL = 0.97
"""Part of the budget that a section has at least."""

ONE_SPLAT = 8
"""Bytes that a section may lack all the same: what a splat takes at most where only few fit."""

LEAST_FLAT_SIZE = 14
"""log2 of the scale, px, of the splat that stands for a flat colour, at least."""

FLAT_STEP_INDEX = 205
"""Of the quantisation step with which the colour of a splat of that scale has steps of a quarter of an 8-bit one.

Of pictures of 16 bits it is as much finer as their steps are."""

FLATNESS = 32.0
"""Scale of such a splat over the picture's half diagonal: at the corners it has lost an eighth of an 8-bit step.
Likewise."""

NUDGES = 5
"""Rounds of nudging for each of rounding, where no lattice codes what splats leave."""

PRODUCTS = 12
"""Products of the colour solve after the shapes are rounded."""


@dataclass(frozen=True, eq=False)
class Coded:
    """A section of splats and what it decodes to.

    Attributes:
        section: its bytes.
        codes: the splat codes in the stream's order.
        step_index: of the quantisation step.
        error: sum of squared differences of the decoded picture, 8-bit steps.
    """

    section: bytes
    codes: Codes
    step_index: int
    error: float

    @property
    def splats(self) -> Splats:
        """The decoded splats."""
        return dequantise(self.codes, splat_step(self.step_index))


@dataclass(frozen=True, eq=False)
class Scene:
    """What is coded, and how it is seen.

    Attributes:
        canvas: of the picture itself, with the lattice if there is one.
        target: its planes, as the engine holds them.
        splats: the fitted splats.
        as_fitted: their colours are coded as they are, and not solved for again once the shapes are rounded.
    """

    canvas: Canvas
    target: Planes
    splats: Splats
    as_fitted: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, px."""
        return self.canvas.view.width, self.canvas.view.height


def fill_splats(scene: Scene, budget: int, polish: Polish | None = None) -> Coded:
    """The section of at most ``budget`` bytes with the finest quantisation step that fits.

    It has at least LEAST_FULL of them or lacks at most ONE_SPLAT, unless the decoded picture is exact already, or
    all splats are there at the finest step.

    Args:
        scene: the splats.
        budget: bytes; whatever they are, a section without splats fits.
        polish: how the shapes are rounded in turns at the end, if they are.
    """
    code = functools.cache(functools.partial(_code, scene))  # each step_index takes a solve of colours
    coded = _finest_that_fits(code, estimate_step(scene.splats, scene.size, budget), budget)
    if len(coded.section) > budget:
        return _pruned(scene, coded, budget)
    if polish is not None and coded.error > 0:
        coded = _refined(scene, coded, budget, polish)
    if coded.step_index > 0 and coded.error > 0 and len(coded.section) < LEAST_FULL * budget:
        return _fuller(coded, _pruned(scene, code(coded.step_index - 1), budget), budget)
    return coded


def code_flat(scene: Scene, mean: Floats) -> Coded:
    """One splat of the picture's mean colour [3], so wide that it is nearly the same all over it."""
    width, height = scene.size
    finer = greatest(scene.target) // 255  # than 8 bits
    size = max(LEAST_FLAT_SIZE, math.ceil(math.log2(FLATNESS * math.sqrt(finer) * math.hypot(width, height) / 2)))
    size = min(size, GREATEST_SIZE)
    step_index = FLAT_STEP_INDEX - round(SPLAT_STEPS_PER_OCTAVE * math.log2(finer))
    step_index = min(step_index + SPLAT_STEPS_PER_OCTAVE * (size - LEAST_FLAT_SIZE), SPLAT_STEPS - 1)
    splat = Splats.from_arrays([[width / 2, height / 2]], [[2.0**size] * 2], [0], [mean])
    return _write(scene, quantise(splat, splat_step(step_index), width, height), step_index)


def code_nothing(width: int, height: int) -> Coded:
    """A section without splats; its error is not known."""
    codes = np.zeros((0, 9), np.int32)
    return Coded(write_splats(codes, 0, width, height)[0], codes, 0, np.inf)


def _write(scene: Scene, codes: Codes, step_index: int) -> Coded:
    section, codes = write_splats(visible(codes), step_index, *scene.size)
    frame = scene.canvas.place(dequantise(codes, splat_step(step_index)))
    return Coded(section, codes, step_index, frame.decoded_error(scene.target))


def _code(scene: Scene, step_index: int) -> Coded:
    """Shapes rounded at once, then colours solved for the rounded shapes, then those rounded."""
    step = splat_step(step_index)
    if scene.as_fitted:
        return _write(scene, quantise(scene.splats, step, *scene.size), step_index)
    codes = write_splats(visible(quantise(scene.splats, step, *scene.size)), step_index, *scene.size)[1]
    frame = solve_colours(scene.canvas.place(dequantise(codes, step)), scene.target, products=PRODUCTS)
    return _write(scene, quantise_colours(frame.splats.on_host().colour, codes, step), step_index)


def estimate_step(splats: Splats, size: tuple[int, int], budget: int) -> int:
    """The least step_index whose section fits for a picture of that size, before colours are solved anew."""
    low, high = 0, SPLAT_STEPS - 1
    while low < high:
        middle = (low + high) // 2
        codes = visible(quantise(splats, splat_step(middle), *size))
        if len(write_splats(codes, middle, *size)[0]) <= budget:
            high = middle
        else:
            low = middle + 1
    return low


def _finest_that_fits(code: Callable[[int], Coded], step_index: int, budget: int) -> Coded:
    """From that step_index on to coarser ones until one fits, or to finer ones while they do and are worth it."""
    coded = code(step_index)
    while len(coded.section) > budget and coded.step_index < SPLAT_STEPS - 1:
        coded = code(coded.step_index + 1)
    while coded.step_index > 0 and len(coded.section) < FULL * budget and coded.error > 0:
        finer = code(coded.step_index - 1)
        if len(finer.section) > budget:
            break
        coded = finer
    return coded


def _refined(scene: Scene, coded: Coded, budget: int, polish: Polish) -> Coded:
    """The same with the shapes rounded in turns, and nudged where no lattice follows, where that is better."""
    step = splat_step(coded.step_index)
    codes = round_in_turns(scene.canvas, scene.target, scene.splats, step, polish, products=PRODUCTS)
    if scene.canvas.lattice is None:
        codes = write_splats(visible(codes), coded.step_index, *scene.size)[1]  # with centres as they are decoded
        codes = nudged(scene.canvas, scene.target, codes, step, NUDGES * polish.rounds)
    refined = _pruned(scene, _write(scene, codes, coded.step_index), budget)
    return refined if refined.error < coded.error else coded


def _fuller(coarser: Coded, fewer: Coded, budget: int) -> Coded:
    if budget - len(coarser.section) <= ONE_SPLAT:
        return min(coarser, fewer, key=lambda coded: coded.error)
    return max(coarser, fewer, key=lambda coded: len(coded.section))


def _pruned(scene: Scene, coded: Coded, budget: int) -> Coded:
    """Without the splats of least importance, so that the section fits."""
    while len(coded.section) > budget and len(coded.codes) > 0:
        excess = (len(coded.section) - budget) / len(coded.section)
        pruned = max(1, int(excess * len(coded.codes)))
        order = np.argsort(importance(coded.splats), kind="stable")
        coded = _write(scene, coded.codes[np.sort(order[pruned:])], coded.step_index)
    return coded
