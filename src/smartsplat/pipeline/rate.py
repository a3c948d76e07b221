"""Rate control: the finest quantisation whose file fits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smartsplat.coding.quantise import (
    GREATEST_SIZE,
    KNOBS,
    Codes,
    dequantise,
    knob_quantum,
    quantise,
    quantise_colours,
    visible,
)
from smartsplat.coding.section import write_splats
from smartsplat.engines import Frame
from smartsplat.fitting.colours import solve_colours
from smartsplat.fitting.levels import Planes
from smartsplat.fitting.relocation import importance
from smartsplat.pipeline.rounding import Polish, round_in_turns
from smartsplat.splats import Splats

FULL = 0.98
"""Part of the bytes allowed at which a quantum is fine enough."""

LEAST_FULL = 0.97
"""Part of the bytes allowed that a section has at least."""

ONE_SPLAT = 8
"""Bytes that a section may lack all the same: what a splat takes at most where only few fit."""

FLAT_KNOB = 205
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
        knob: of the quantum.
        error: sum of squared differences of the decoded picture, 8-bit steps.
    """

    section: bytes
    codes: Codes
    knob: int
    error: float

    @property
    def splats(self) -> Splats:
        """The decoded splats."""
        return dequantise(self.codes, knob_quantum(self.knob))


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
        """The section of at most ``allowed`` bytes with the finest quantum that fits.

        It has at least LEAST_FULL of them or lacks at most ONE_SPLAT, unless the decoded picture is exact
        already, or all splats are there at the finest quantum.
        """
        knob = self._estimate(allowed)
        while len(self._coded(knob).section) > allowed and knob < KNOBS - 1:
            knob += 1
        while knob > 0 and self._has_room(knob, allowed) and len(self._coded(knob - 1).section) <= allowed:
            knob -= 1
        coded = self._coded(knob)
        if len(coded.section) > allowed:
            return self._drop(coded, allowed)
        if self._polish is not None and coded.error > 0:
            coded = self._refined(coded, allowed, self._polish)
        if knob > 0 and coded.error > 0 and len(coded.section) < LEAST_FULL * allowed:
            return self._fuller(coded, self._drop(self._coded(knob - 1), allowed), allowed)
        return coded

    def _refined(self, coded: Coded, allowed: int, polish: Polish) -> Coded:
        """The same with the shapes rounded in turns, where that is better."""
        quantum = knob_quantum(coded.knob)
        codes = round_in_turns(self._frame, self._target, self._splats, quantum, polish, products=PRODUCTS)
        refined = self._drop(self._write(codes, coded.knob), allowed)
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
        return self._write(quantise(splat, knob_quantum(FLAT_KNOB), width, height), FLAT_KNOB)

    def _has_room(self, knob: int, allowed: int) -> bool:
        coded = self._coded(knob)
        return len(coded.section) < FULL * allowed and coded.error > 0

    def _estimate(self, allowed: int) -> int:
        """The least knob whose section fits, before colours are solved anew."""
        low, high = 0, KNOBS - 1
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

    def _quantised(self, knob: int) -> Codes:
        return quantise(self._splats, knob_quantum(knob), *self._size)

    def _coded(self, knob: int) -> Coded:
        """Shapes rounded at once, then colours solved for the rounded shapes, then those rounded."""
        if knob not in self._cache:
            quantum = knob_quantum(knob)
            codes = write_splats(visible(self._quantised(knob)), knob, *self._size)[1]
            solved = solve_colours(self._frame, self._target, dequantise(codes, quantum), products=PRODUCTS)
            self._cache[knob] = self._write(quantise_colours(solved.colour, codes, quantum), knob)
        return self._cache[knob]

    def _write(self, codes: Codes, knob: int) -> Coded:
        section, codes = write_splats(visible(codes), knob, *self._size)
        self._frame.place(dequantise(codes, knob_quantum(knob)))
        return Coded(section, codes, knob, self._frame.decoded_error(self._target))

    def _drop(self, coded: Coded, allowed: int) -> Coded:
        """Leaves out the splats of least importance until the section fits."""
        while len(coded.section) > allowed and len(coded.codes) > 0:
            excess = (len(coded.section) - allowed) / len(coded.section)
            dropped = max(1, int(excess * len(coded.codes)))
            order = np.argsort(importance(coded.splats), kind="stable")
            coded = self._write(coded.codes[np.sort(order[dropped:])], coded.knob)
        return coded
