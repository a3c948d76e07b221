"""Rate control: the finest quantisation whose file fits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smartsplat.coding.splat_codes import (
    GREATEST_SIZE,
    SPLAT_STEPS,
    Codes,
    dequantise,
    quantise,
    quantise_colours,
    splat_step,
    visible,
)
from smartsplat.coding.splat_section import write_splats
from smartsplat.engines import Frame
from smartsplat.fitting.colours import solve_colours
from smartsplat.fitting.levels import Planes
from smartsplat.fitting.relocation import importance
from smartsplat.model.splats import Splats
from smartsplat.pipeline.rounding import Polish, round_in_turns

FULL = 0.98
"""Part of the bytes allowed at which a base_step is fine enough."""

LEAST_FULL = 0.97
"""Part of the bytes allowed that a section has at least."""

ONE_SPLAT = 8
"""Bytes that a section may lack all the same: what a splat takes at most where only few fit."""

FLAT_STEP_INDEX = 205
"""Knob at which the colour of a splat of FLAT_SCALE has steps of a quarter of an 8-bit one."""

FLAT_SCALE = 2.0**GREATEST_SIZE
"""Scale, px, of a splat that is nearly the same all over pictures of up to some thousand px."""

PRODUCTS = 12
"""Products of the colour solve after the shapes are rounded."""


@dataclass(frozen=True)
class Coded:
    """A section of splats and what it decodes to.

    Attributes:
        section: its bytes.
        codes: the splat codes in the stream's order.
        step_index: of the base_step.
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


class RateControl:
    """Quantises fitted splats so that their section has at most a number of bytes.

    Args:
        frame: of the picture itself.
        target: its planes.
        splats: the fitted splats.
        polish: how the shapes are rounded in turns at the end, if they are.
    """

    def __init__(self, frame: Frame, target: Planes, splats: Splats, polish: Polish | None = None) -> None:
        self._polish = polish
        self._frame = frame
        self._target = target
        self._splats = splats
        self._cache: dict[int, Coded] = {}

    def fill(self, allowed: int) -> Coded:
        """The section of at most ``allowed`` bytes with the finest base_step that fits.

        It has at least LEAST_FULL of them or lacks at most ONE_SPLAT, unless the decoded picture is exact
        already, or all splats are there at the finest base_step.
        """
        step_index = self._estimate(allowed)
        while len(self._coded(step_index).section) > allowed and step_index < SPLAT_STEPS - 1:
            step_index += 1
        while (
            step_index > 0
            and self._has_room(step_index, allowed)
            and len(self._coded(step_index - 1).section) <= allowed
        ):
            step_index -= 1
        coded = self._coded(step_index)
        if len(coded.section) > allowed:
            return self._drop(coded, allowed)
        if self._polish is not None and coded.error > 0:
            coded = self._refined(coded, allowed, self._polish)
        if step_index > 0 and coded.error > 0 and len(coded.section) < LEAST_FULL * allowed:
            return self._fuller(coded, self._drop(self._coded(step_index - 1), allowed), allowed)
        return coded

    def _refined(self, coded: Coded, allowed: int, polish: Polish) -> Coded:
        """The same with the shapes rounded in turns, where that is better."""
        base_step = splat_step(coded.step_index)
        codes = round_in_turns(self._frame, self._target, self._splats, base_step, polish, products=PRODUCTS)
        refined = self._drop(self._write(codes, coded.step_index), allowed)
        return refined if refined.error < coded.error else coded

    @staticmethod
    def _fuller(coarser: Coded, fewer: Coded, allowed: int) -> Coded:
        if allowed - len(coarser.section) <= ONE_SPLAT:
            return min(coarser, fewer, key=lambda coded: coded.error)
        return max(coarser, fewer, key=lambda coded: len(coded.section))

    def flat(self) -> Coded:
        """One splat of the mean colour, as wide as can be, whatever was fitted."""
        width, height = self._size
        colour = self._target.mean(axis=(1, 2)) / 255
        splat = Splats.from_arrays([[width / 2, height / 2]], [[FLAT_SCALE] * 2], [0], [colour])
        return self._write(quantise(splat, splat_step(FLAT_STEP_INDEX), width, height), FLAT_STEP_INDEX)

    def _has_room(self, step_index: int, allowed: int) -> bool:
        coded = self._coded(step_index)
        return len(coded.section) < FULL * allowed and coded.error > 0

    def _estimate(self, allowed: int) -> int:
        """The least step_index whose section fits, before colours are solved anew."""
        low, high = 0, SPLAT_STEPS - 1
        while low < high:
            middle = (low + high) // 2
            codes = visible(self._quantised(middle))
            if len(write_splats(codes, middle, *self._size)[0]) <= allowed:
                high = middle
            else:
                low = middle + 1
        return low

    @property
    def _size(self) -> tuple[int, int]:
        return self._frame.view.width, self._frame.view.height

    def _quantised(self, step_index: int) -> Codes:
        return quantise(self._splats, splat_step(step_index), *self._size)

    def _coded(self, step_index: int) -> Coded:
        """Shapes rounded at once, then colours solved for the rounded shapes, then those rounded."""
        if step_index not in self._cache:
            base_step = splat_step(step_index)
            codes = write_splats(visible(self._quantised(step_index)), step_index, *self._size)[1]
            solved = solve_colours(self._frame, self._target, dequantise(codes, base_step), products=PRODUCTS)
            self._cache[step_index] = self._write(quantise_colours(solved.colour, codes, base_step), step_index)
        return self._cache[step_index]

    def _write(self, codes: Codes, step_index: int) -> Coded:
        section, codes = write_splats(visible(codes), step_index, *self._size)
        self._frame.place(dequantise(codes, splat_step(step_index)))
        return Coded(section, codes, step_index, self._frame.decoded_error(self._target))

    def _drop(self, coded: Coded, allowed: int) -> Coded:
        """Leaves out the splats of least importance until the section fits."""
        while len(coded.section) > allowed and len(coded.codes) > 0:
            excess = (len(coded.section) - allowed) / len(coded.section)
            dropped = max(1, int(excess * len(coded.codes)))
            order = np.argsort(importance(coded.splats), kind="stable")
            coded = self._write(coded.codes[np.sort(order[dropped:])], coded.step_index)
        return coded
