"""The extension module: the Python face (native/python) of the C++ library in native/core.

The Python modules that call it say what it does. As for threads, 0 is one for each processor. What is written to is
never converted; what is read is, where it has to be.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_Bytes = NDArray[np.uint8]
_Samples = NDArray[np.unsignedinteger[Any]]
_Floats = NDArray[np.float32]
_Doubles = NDArray[np.float64]
_Reals = NDArray[Any]
_Ints = NDArray[np.int32]
_Damage = tuple[int, int, int, bool, int, tuple[int, int, int, int]]
_View = tuple[int, int, float, float, float, float, float]

MAGIC: bytes
MAJOR: int
MINOR: int
FLAG_GREY: int
FLAG_ALPHA: int
CRITICAL: int
SPLATS: int
LATTICE: int
BLOCKS: int
PIXEL_BLOCK: int
FLAG_BLOCKS: int
ICC: int
EXIF: int
XMP: int
RESOLUTION: int
COLOUR_CODE: int
ALPHA: int
OVERVIEW: int
MOST_METADATA: int
LONGEST_START: int
LEAST_SQUARE_LOG: int
GREATEST_SQUARE_LOG: int
GREATEST_SIDE: int
GREATEST_NUMBER: int
CENTRE_UNIT: int
GREATEST_ENERGY: int
LEAST_SIZE: int
GREATEST_SIZE: int
GREATEST_RATIO: int
GREATEST_COLOUR: int
SPLATS_PER_BYTE: int
SPLAT_SLACK: int
SPLAT_STEPS: int
GREATEST_SPACING_LOG: int
LATTICE_STEPS: int
LATTICE_UNIT_STEP: int
LATTICE_STEPS_PER_OCTAVE: int
SPLAT_STEPS_PER_OCTAVE: int
LATTICE_SCALE: float
LATTICE_REACH: float
COLOUR_BASIS: tuple[tuple[float, float, float], ...]
SUPPORT: float
CELL_SIZE: int

def splat_step(index: int) -> float: ...
def lattice_step(index: int) -> float: ...

# Container, sections and streams

def head_length(start: bytes) -> int: ...
def announced_length(head: bytes) -> int: ...
def write_container(
    width: int, height: int, grey: bool, sections: Sequence[tuple[int, bytes]], bits: int = 8
) -> bytes: ...
def usual_square_log(width: int, height: int) -> int: ...
def usual_lattice_square_log(width: int, height: int, spacing: int, bytes: int) -> int: ...
def write_splats(
    codes: _Ints, step_index: int, width: int, height: int, square_log: int | None = None
) -> tuple[bytes, _Ints]: ...
def read_splats(section: bytes, width: int, height: int, threads: int = 1) -> tuple[_Ints, int]: ...
def encode_splats(codes: _Ints, width: int, height: int) -> tuple[bytes, _Ints]: ...
def decode_splats(stream: bytes, count: int, width: int, height: int) -> _Ints: ...
def dequantise_splats(codes: _Ints, base_step: float, threads: int = 0) -> _Floats: ...
def splat_precision(codes: _Ints) -> _Ints: ...

EQUAL_WEIGHT: int
WEIGHTS_PER_OCTAVE: int

def write_lattices(
    coefficients: _Floats,
    width: int,
    height: int,
    spacing: int,
    trials: list[tuple[int, float]],
    threads: int = 0,
    square_log: int | None = None,
    weights: NDArray[np.uint8] | None = None,
) -> list[tuple[bytes, float]]: ...
def read_lattice(section: bytes, width: int, height: int, grey: bool, threads: int = 0) -> tuple[int, int, _Ints]: ...
def write_blocks(
    planes: NDArray[np.uint16],
    flags: NDArray[np.uint8],
    grey: bool,
    deep: bool,
    of_colour: float,
    of_pixel: float,
    square_log: int | None = None,
    threads: int = 0,
) -> tuple[bytes, _Floats]: ...
def lattice_values(section: bytes, width: int, height: int, grey: bool, out: _Floats, threads: int = 0) -> None: ...
def most_nodes(bytes: int) -> int: ...
def quantised_lattice(section: bytes, width: int, height: int, grey: bool, out: _Ints, threads: int = 0) -> None: ...
def lattice_head(section: bytes, width: int, height: int, grey: bool) -> tuple[int, int]: ...
def lattice_coefficients(
    values: _Floats, width: int, height: int, spacing: int, planes: int, threads: int = 0
) -> None: ...
def encode_coefficients(
    coefficients: _Floats, scale: float, lambda_: float, square_log: int = ..., threads: int = 0
) -> tuple[list[bytes], _Ints]: ...
def decode_coefficients(
    streams: list[bytes], planes: int, rows: int, columns: int, square_log: int = ..., threads: int = 0
) -> _Ints: ...

# Files and their views

class File:
    def __init__(self, data: bytes) -> None: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def grey(self) -> bool: ...
    @property
    def sections(self) -> list[tuple[int, int]]: ...
    @property
    def bits(self) -> int: ...
    def check(self) -> None: ...
    @staticmethod
    def of_front(front: bytes, size: int) -> File: ...
    def ranges(self, view: tuple[Any, ...], draft: bool = False) -> list[tuple[int, int]]: ...
    def sweeps(self, work: float) -> bool: ...
    def sweep(self, work: float, threads: int = 0) -> Sweep: ...
    def low_level(self, view: tuple[Any, ...], draft: bool = False) -> int: ...
    @property
    def kept_bytes(self) -> int: ...
    def keep(self, bytes: int) -> None: ...
    def metadata_range(self, kind: int) -> tuple[int, int] | None: ...
    @property
    def alpha_range(self) -> tuple[int, int] | None: ...
    def check_alpha(self, alpha: File) -> None: ...
    def section(self, kind: int, read: list[tuple[int, bytes]] | None = None) -> bytes | None: ...
    @property
    def splat_count(self) -> int: ...
    @property
    def lattice_spacing(self) -> int | None: ...
    def splats(self, threads: int = 0) -> _Floats: ...
    def lattice(self, work: float, threads: int = 0) -> _Floats | None: ...
    def blocks(self, work: float, threads: int = 0) -> Blocks | None: ...
    @staticmethod
    def salvaged(data: bytes) -> tuple[File, tuple[int, int] | None, list[_Damage]]: ...
    def part(
        self,
        view: tuple[Any, ...],
        work: float,
        threads: int = 0,
        read: list[tuple[int, bytes]] | None = None,
        draft: bool = False,
    ) -> Part: ...

class Part:
    @property
    def bytes_read(self) -> int: ...
    def render(self, view: tuple[Any, ...], out: NDArray[Any], work: float, threads: int = 0) -> None: ...

class Sweep:
    def draw(self, out: NDArray[Any], threads: int = 0) -> None: ...

class Blocks:
    def draw(self, view: tuple[Any, ...], out: NDArray[Any], threads: int = 0) -> None: ...
    def integers(self) -> list[int]: ...

def read_blocks(section: bytes, width: int, height: int, grey: bool, deep: bool, threads: int = 0) -> Blocks: ...

class Renderer:
    def __init__(
        self,
        width: int,
        height: int,
        splats: _Floats,
        spacing: int = 0,
        values: _Floats | None = None,
        threads: int = 0,
    ) -> None: ...
    def render(self, view: tuple[Any, ...], out: NDArray[Any], work: float, threads: int = 0) -> None: ...

def empty_pixels(height: int, width: int, channels: int, bytes: int) -> NDArray[Any]: ...
def view_of(width: int, height: int, region: tuple[float, float, float, float] | None, scale: float) -> _View: ...

# Gaussians blended in any number of channels: all arrays are float32, or all float64

class Scene32:
    def __init__(
        self,
        means: _Reals,
        scales: _Reals | None,
        angles: _Reals | None,
        conics: _Reals | None,
        colours: _Reals,
        opacities: _Reals | None,
        height: int,
        width: int,
        blend: str,
        k: int,
        threads: int = 0,
    ) -> None: ...
    def draw(self, threads: int = 0) -> _Reals: ...
    def vjp(self, cotangent: _Reals, threads: int = 0) -> tuple[_Reals | None, ...]: ...

class Scene64(Scene32): ...

# Rendering and fitting

class Canvas:
    def __init__(
        self,
        width: int,
        height: int,
        zoom: float = 1.0,
        left: float = 0.0,
        top: float = 0.0,
        blur: float = 0.0,
        aspect: float = 1.0,
        ssim: bool = False,
        picture_width: int = 0,
        picture_height: int = 0,
        spacing: int = 0,
        values: _Floats | None = None,
        weights: _Floats | None = None,
    ) -> None: ...
    def place(self, parameters: _Floats, threads: int = 0) -> Frame: ...

class Frame:
    @property
    def pairs(self) -> int: ...
    def render_bytes(self, threads: int = 0) -> _Bytes: ...
    def render_sums(self, threads: int = 0) -> _Floats: ...
    def gradient(self, target: _Samples, loss: str, weight: float, threads: int = 0) -> tuple[float, _Floats]: ...
    def vjp(self, cotangent: _Floats, threads: int = 0) -> _Floats: ...
    def lattice_vjp(self, cotangent: _Floats, width: int, height: int, spacing: int, threads: int = 0) -> _Floats: ...
    def normal_product(self, direction: _Floats, threads: int = 0) -> _Floats: ...
    def colour_diagonal(self, threads: int = 0) -> _Floats: ...
    def lattice_residual(
        self, target: _Samples, width: int, height: int, spacing: int, out: _Floats, threads: int = 0
    ) -> None: ...
    def decoded_error(self, target: _Samples, threads: int = 0) -> float: ...
    def cell_errors(self, target: _Samples, threads: int = 0) -> _Floats: ...

def instruction_set() -> str: ...
def use_instruction_set(name: str) -> bool: ...
def thread_count(threads: int = 0) -> int: ...
def adam_step(
    parameters: _Floats,
    gradient: _Floats,
    first: _Floats,
    second: _Floats,
    rates: Sequence[float],
    betas: Sequence[float],
    step: int,
    epsilon: float,
    longest_move: float,
    bounds: Sequence[float],
    threads: int = 0,
) -> None: ...
def move(
    parameters: _Floats, direction: _Floats, longest_move: float, bounds: Sequence[float], threads: int = 0
) -> None: ...
def wavelet(planes: _Floats, spacing: int, threads: int = 0) -> None: ...
def solve_lattice(planes: _Floats, down: _Doubles, across: _Doubles, threads: int = 0) -> None: ...

# Pictures and their features

def squared_error(a: _Samples, b: _Samples, threads: int = 0) -> int: ...
def ssim_levels(a: _Bytes, b: _Bytes, levels: int, threads: int = 0) -> _Doubles: ...
def similarity_loss(
    picture: NDArray[np.floating],
    target: NDArray[np.floating],
    absolute: float,
    ssim: float,
    clamped: bool,
    threads: int = 0,
) -> tuple[float, float, NDArray[Any]]: ...
def squared_loss(
    picture: NDArray[np.floating], target: NDArray[np.floating], low: float, high: float, threads: int = 0
) -> tuple[float, NDArray[Any]]: ...
def to_planes(pixels: _Samples, out: _Samples, threads: int = 0) -> None: ...
def halve(planes: _Samples, threads: int = 0) -> _Samples: ...
def paeth_filter(rows: _Bytes, above: _Bytes | None, pixel_bytes: int, threads: int = 1) -> _Bytes: ...
def tile_weights(planes: _Bytes, x: int, y: int, width: int, height: int, lambda_m: float) -> _Floats: ...
def feature_map(
    planes: _Bytes, tops: _Ints, lefts: _Ints, height: int, width: int, lambda_m: float, threads: int = 0
) -> _Floats: ...
def draw_points(
    planes: _Bytes,
    tops: _Ints,
    lefts: _Ints,
    height: int,
    width: int,
    counts: NDArray[np.int64],
    lambda_m: float,
    seed: int,
    threads: int = 0,
) -> tuple[_Floats, _Floats]: ...
def median_colours(planes: _Bytes, centres: _Floats, scales: _Floats, threads: int = 0) -> _Floats: ...
def sample_density(weights: _Floats, count: int, seed: int, threads: int = 0) -> _Doubles: ...
