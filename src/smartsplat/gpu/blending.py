"""Pictures of tensors of splats and their gradients: what ``smartsplat.torch`` does on a card."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from smartsplat.gpu import bins
from smartsplat.gpu.kernels import drawing, gathering
from smartsplat.gpu.launch import TILE, WEIGHED, launch, parts
from smartsplat.gpu.placing import LEAST_STRENGTH, chain_axes, chain_conics, placed_axes, placed_conics, shown

LAYERS = 16
"""Splats of "alpha" whose gradients are found at a time."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Splats sorted into the tiles of a picture.

    Attributes:
        placed: [N, 8].
        colours: [N, C].
        sorted: the lists.
        height: of the picture, px.
        width: likewise.
        blend: how splats make a pixel.
        k: of ``topk``.
    """

    placed: Tensor
    colours: Tensor
    sorted: bins.Bins
    height: int
    width: int
    blend: str
    k: int

    @property
    def channels(self) -> int:
        """C."""
        return int(self.colours.shape[1])

    @property
    def group(self) -> int:
        """Channels that a program takes."""
        return 1 if self.channels == 1 else 3

    @property
    def tiles(self) -> int:
        """Of the picture."""
        return parts(self.height, TILE) * parts(self.width, TILE)

    @property
    def groups(self) -> int:
        """Of channels."""
        return parts(self.channels, self.group)


@dataclass(frozen=True, eq=False)
class Chosen:
    """What is chosen at each pixel for ``topk``; see ``kernels.drawing.choose``."""

    bars: Tensor
    lasts: Tensor
    totals: Tensor


def scene_of(
    means: Tensor, shape: tuple[Tensor, ...], colours: Tensor, opacities: Tensor | None, height: int, width: int,
    blend: str, k: int,
) -> Scene:  # fmt: skip
    """Places splats and sorts them.

    Args:
        means: [N, 2].
        shape: scales [N, 2] and angles [N], or conics [N, 3].
        colours: [N, C].
        opacities: [N] or None.
        height: of the picture, px.
        width: likewise.
        blend: ``sum``, ``alpha`` or ``topk``.
        k: of ``topk``.
    """
    if len(shape) == 2:
        placed = placed_axes(means, shape[0], shape[1], opacities, blend)
    else:
        placed = placed_conics(means, shape[0], opacities, blend)
    placed = shown(placed, colours)
    lists = bins.sort(placed, 0, parts(height, TILE), parts(width, TILE), numbers=blend == "alpha")
    return Scene(placed, colours.contiguous(), lists, height, width, blend, k)


def draw(scene: Scene) -> Tensor:
    """The picture [H, W, C]."""
    picture = scene.colours.new_empty((scene.height, scene.width, scene.channels))
    if scene.blend == "alpha":
        _draw_over(scene, picture)
    else:
        _draw(scene, picture, _choose(scene) if scene.blend == "topk" else None)
    return picture


def _draw_over(scene: Scene, picture: Tensor) -> None:
    launch(
        drawing.draw_over, (scene.tiles, scene.groups), scene.placed, scene.colours, scene.sorted.offsets,
        scene.sorted.members, picture, scene.width, scene.height, scene.channels, scene.sorted.columns,
        CHANNELS=scene.group, TILE=TILE, S=LAYERS,
    )  # fmt: skip


def _draw(scene: Scene, picture: Tensor, chosen: Chosen | None) -> None:
    none = picture.new_empty(0)
    bars, lasts, totals = (
        (none, scene.sorted.members, none) if chosen is None else (chosen.bars, chosen.lasts, chosen.totals)
    )
    launch(
        drawing.draw, (scene.tiles, scene.groups), scene.placed, scene.colours, scene.sorted.offsets,
        scene.sorted.members, bars, lasts, totals, picture, scene.width, scene.height, scene.channels,
        scene.sorted.columns, STRONGEST=chosen is not None, CHANNELS=scene.group, TILE=TILE, S=WEIGHED,
    )  # fmt: skip


def _choose(scene: Scene) -> Chosen:
    size = (scene.height, scene.width)
    bars, totals = scene.placed.new_empty(size), scene.placed.new_empty(size)
    lasts = bars.new_empty(size, dtype=torch.int32)
    launch(
        drawing.choose, (scene.tiles,), scene.placed, scene.sorted.offsets, scene.sorted.members, bars, lasts, totals,
        scene.width, scene.height, scene.sorted.columns, scene.k, LEAST_STRENGTH, TILE=TILE, S=WEIGHED,
    )  # fmt: skip
    return Chosen(bars, lasts, totals)


def gather(scene: Scene, cotangent: Tensor) -> tuple[Tensor, Tensor]:
    """Sums [N, 6] of the splats' weights, see ``kernels.gathering``, and sums of the channels [N, C]."""
    cotangent = cotangent.contiguous()
    if scene.blend == "alpha":
        return _gather_over(scene, cotangent)
    count, lists, group = scene.placed.shape[0], scene.sorted, scene.group
    none = cotangent.new_empty(0)
    chosen, minus = Chosen(none, lists.members, none), none
    if scene.blend == "topk":
        chosen = _choose(scene)
        picture = torch.empty_like(cotangent)
        _draw(scene, picture, chosen)
        cotangent = cotangent / (chosen.totals + 1e-4)[:, :, None]
        minus = (cotangent * picture).sum(dim=2)
    rows = cotangent.new_empty((scene.groups, lists.spans, 6 + group))
    order = torch.arange(lists.spans, dtype=torch.int32, device=cotangent.device)
    launch(
        gathering.gather_spans, (lists.spans, scene.groups), scene.placed, scene.colours, lists.owners, lists.rows,
        lists.lefts, lists.lengths, order, cotangent, minus, chosen.bars, chosen.lasts, rows, scene.width, 0,
        scene.height, scene.channels, lists.spans, 0, STRONGEST=scene.blend == "topk", KIND=0, CHANNELS=group,
        TILE=TILE,
    )  # fmt: skip
    totals = add_up(rows, lists.starts, count)
    channels = totals[:, :, 6:].transpose(0, 1).reshape(count, scene.groups * group)[:, : scene.channels]
    return totals[:, :, :6].sum(dim=0), channels


def add_up(rows: Tensor, starts: Tensor, count: int) -> Tensor:
    """The sums of the rows [groups, n, columns] of each of ``count`` splats: [groups, count, columns]."""
    groups, number, columns = rows.shape
    totals = rows.new_empty((groups, count, columns))
    power = 1 << (columns - 1).bit_length()
    launch(
        gathering.add_up, (count, groups), rows, starts, totals, count, groups, number, columns, COLUMNS=power,
        num_warps=1,
    )  # fmt: skip
    return totals


def _gather_over(scene: Scene, cotangent: Tensor) -> tuple[Tensor, Tensor]:
    lists = scene.sorted
    assert lists.pairs is not None
    lengths = lists.offsets[1:] - lists.offsets[:-1]
    blocks = torch.div(lengths - 1, LAYERS, rounding_mode="floor").clamp(min=0)
    kept_offsets = (blocks.cumsum(0) - blocks).int()
    kept = cotangent.new_empty((int(blocks.sum()), TILE * TILE))
    launch(
        gathering.keep_through, (scene.tiles,), scene.placed, lists.offsets, lists.members, kept_offsets, kept,
        lists.columns, TILE=TILE, S=LAYERS,
    )  # fmt: skip
    rows = cotangent.new_empty((1, lists.pairs.shape[0], 6 + scene.channels))
    launch(
        gathering.gather_over, (scene.tiles,), scene.placed, scene.colours, lists.offsets, lists.members, lists.pairs,
        kept_offsets, kept, cotangent, rows, scene.width, scene.height, scene.channels, lists.columns, TILE=TILE,
        S=LAYERS,
    )  # fmt: skip
    starts = lists.pair_starts[lists.starts.long()]
    totals = add_up(rows, starts, scene.placed.shape[0])[0]
    return totals[:, :6], totals[:, 6:]


def gradients(
    scene: Scene, shape: tuple[Tensor, ...], opacities: Tensor | None, cotangent: Tensor
) -> tuple[Tensor, ...]:
    """By means, those of the shape, colours, and opacities: an empty tensor where there are none."""
    sums, channels = gather(scene, cotangent)
    strongest = scene.blend == "topk"
    scale = torch.ones_like(sums[:, 0]) if strongest or opacities is None else scene.placed[:, 6]
    scaled = sums * scale[:, None]
    by_geometry: tuple[Tensor, ...]
    if len(shape) == 2:
        by_geometry = chain_axes(scene.placed, shape[0], shape[1], scaled)
    else:
        by_geometry = chain_conics(scene.placed, shape[0], scaled)
    by_opacities = sums.new_empty(0)
    if opacities is not None:
        by_opacities = sums[:, 0] / scene.placed[:, 6] if strongest else sums[:, 0]
        by_opacities = torch.where(scene.placed[:, 7] >= 0, by_opacities, 0.0)
    return *by_geometry, (channels * scale[:, None]).contiguous(), by_opacities
