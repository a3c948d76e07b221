"""The kernels behind smartsplat.torch on graphics cards, against plain PyTorch in double precision."""

import itertools

import pytest

from tests.cards import DEVICE, few_programs, torch  # noqa: F401

from smartsplat import torch as splats  # isort: skip
from smartsplat.gpu import bins, blending  # isort: skip
from smartsplat.gpu.placing import SUPPORT, placed_axes  # isort: skip
from smartsplat.torch import operator  # isort: skip
from tests import naive_blends as naive  # isort: skip
from tests.test_torch import BAD, NAMES, assert_columns_agree, conics_of, cotangent_for, scene  # isort: skip

BLENDS = ["sum", "alpha", "topk"]
TOLERANCE = 1e-4
"""Relative to the greatest entry of a column; below 1e-6 is usual."""

SIZE = {"height": 19, "width": 34}


@pytest.fixture(autouse=True)
def kernels_for_cards(monkeypatch):
    monkeypatch.setattr(operator, "_interpreted", True)


def picture_and_gradients(rasterize, tensors, cotangent, dtype=torch.float64, device="cpu", **options):
    leaves = [tensor.detach().to(device, dtype, copy=True).requires_grad_() for tensor in tensors]
    picture = rasterize(*leaves[:-1], *cotangent.shape[:2], opacities=leaves[-1], **options)
    picture.backward(cotangent.to(device, dtype))
    return picture.detach().double().cpu(), [leaf.grad.double().cpu() for leaf in leaves]


def assert_agrees(tensors, cotangent, dtype=torch.float32, tolerance=TOLERANCE, *, conics=False, **options):
    ours, plain = (splats.rasterize_conics, naive.rasterize_conics) if conics else (splats.rasterize, naive.rasterize)
    expected, by = picture_and_gradients(plain, tensors, cotangent, **options)
    picture, gradients = picture_and_gradients(ours, tensors, cotangent, dtype, DEVICE, **options)
    assert (picture - expected).abs().max() < tolerance * expected.abs().max()
    assert_columns_agree(gradients, by, tolerance)
    return picture, gradients


@pytest.mark.parametrize(
    ("blend", "kind"),
    [("sum", "usual"), ("sum", "sub-pixel"), ("sum", "wide"), ("sum", "needles"), ("alpha", "wide"),
     ("alpha", "needles"), ("topk", "usual"), ("topk", "wide")],
)  # fmt: skip
def test_pictures_and_gradients_are_those_of_naive_autograd(blend, kind):
    # A third of the centres lie outside the picture; wide ones are wider than it.
    assert_agrees(scene(kind, 6, **SIZE), cotangent_for(**SIZE), blend=blend, k=2)


@pytest.mark.parametrize("blend", BLENDS)
def test_conics_do_as_well_in_double_precision(blend):
    means, scales, angles, colours, opacities = scene("usual", 6, channels=2, **SIZE)
    tensors = (means, conics_of(scales, angles), colours, opacities)
    assert_agrees(tensors, cotangent_for(2, **SIZE), torch.float64, 1e-9, conics=True, blend=blend, k=2)


@pytest.mark.parametrize(("blend", "channels"), [("sum", 1), ("sum", 4), ("alpha", 5), ("topk", 4)])
def test_any_number_of_channels(blend, channels):
    size = {"height": 16, "width": 16}
    assert_agrees(scene("usual", 4, channels, **size), cotangent_for(channels, **size), blend=blend, k=2)


@pytest.mark.parametrize("blend", BLENDS)
def test_more_than_256_splats_on_a_tile(blend):
    size = {"height": 16, "width": 16}
    tensors = scene("usual", 260, channels=1, **size)
    tensors[0] = tensors[0].clamp(2, 14)  # all of them on the only tile
    tensors[4] *= 0.2
    made = blending.scene_of(
        *(t.float().to(DEVICE) for t in tensors[:1]), tuple(t.float().to(DEVICE) for t in tensors[1:3]),
        *(t.float().to(DEVICE) for t in tensors[3:]), 16, 16, blend, 2,
    )  # fmt: skip
    assert made.sorted.members.tolist() == list(range(260))
    if blend == "alpha":  # whose gradients alone depend on the others of a tile
        assert_agrees(tensors, cotangent_for(1, **size), blend=blend)
        return
    expected = naive.rasterize(*tensors[:-1], 16, 16, opacities=tensors[-1], blend=blend, k=2)
    assert (blending.draw(made).double().cpu() - expected).abs().max() < TOLERANCE * expected.abs().max()


def test_tiles_without_splats_are_black():
    means, scales = torch.tensor([[5.0, 5.0]]), torch.tensor([[1.0, 1.5]])
    tensors = [means, scales, torch.zeros(1), torch.ones(1, 3), torch.ones(1)]
    picture, _ = assert_agrees(tensors, cotangent_for(height=20, width=40), blend="sum")
    assert (picture[:, 16:] == 0).all()
    assert picture[5, 5].min() > 0.8


@pytest.mark.parametrize("blend", BLENDS)
@pytest.mark.parametrize(
    ("count", "height", "width"), [(0, 7, 9), (1, 3, 20), (2, 0, 9), (2, 7, 0), (2, 1, 1), (0, 0, 0)]
)
def test_few_splats_and_tiny_pictures(blend, count, height, width):
    tensors = [
        tensor.float().to(DEVICE).requires_grad_() for tensor in scene("wide", count, height=height, width=width)
    ]
    picture = splats.rasterize(*tensors[:-1], height, width, opacities=tensors[-1], blend=blend)
    assert picture.shape == (height, width, 3)
    picture.sum().backward()
    for tensor in tensors:
        assert tensor.grad.shape == tensor.shape
        assert (tensor.grad.abs().max() > 0) if picture.numel() and count else not tensor.grad.any()


@pytest.mark.parametrize("blend", BLENDS)
def test_splats_that_cannot_be_drawn_show_nothing(blend):
    size = {"height": 9, "width": 18}
    good, cotangent = scene("usual", 3, **size), cotangent_for(**size)
    expected, by = picture_and_gradients(splats.rasterize, good, cotangent, torch.float32, DEVICE, blend=blend)
    values = [(name, value) for name in NAMES for value in BAD[name]]
    bad = [torch.cat([tensor, tensor[:1].expand(len(values), *tensor.shape[1:])]) for tensor in good]
    for row, (name, value) in enumerate(values):
        column = bad[NAMES.index(name)]
        column.view(len(column), -1)[3 + row, 0] = value
    picture, gradients = picture_and_gradients(splats.rasterize, bad, cotangent, torch.float32, DEVICE, blend=blend)
    assert torch.equal(picture, expected)
    for a, b in zip(gradients, by, strict=True):
        assert torch.equal(a[:3], b)
        assert not a[3:].any()


def test_conics_that_are_not_positive_definite_show_nothing():
    conics = torch.tensor([[1.0, 2.0, 1.0], [-1.0, 0.0, -1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [float("nan"), 0, 1]])
    conics = conics.to(DEVICE).requires_grad_()
    means, colours = torch.full((5, 2), 4.0, device=DEVICE), torch.ones(5, 1, device=DEVICE)
    picture = splats.rasterize_conics(means, conics, colours, 8, 8)
    assert not picture.any()
    picture.sum().backward()
    assert not conics.grad.any()


def test_an_opaque_pixel_has_gradients():
    # Right at the centre alpha is 1, and nothing may be divided by 1 - alpha.
    tensors = (torch.tensor([[3.5, 3.5], [3.5, 3.5]]), torch.full((2, 2), 2.0), torch.zeros(2), torch.rand(2, 1),
               torch.ones(2))  # fmt: skip
    tensors = [tensor.double() for tensor in tensors]
    cotangent = cotangent_for(1, 7, 7)
    _, by = picture_and_gradients(naive.rasterize, tensors, cotangent, blend="alpha")
    _, gradients = picture_and_gradients(splats.rasterize, tensors, cotangent, torch.float64, DEVICE, blend="alpha")
    for a, b in zip(gradients, by, strict=True):
        torch.testing.assert_close(a, b)


def test_of_equally_strong_splats_the_first_are_taken():
    count, k = 12, 4
    means, scales = torch.full((count, 2), 4.3, device=DEVICE), torch.full((count, 2), 3.0, device=DEVICE)
    colours = torch.arange(count, dtype=torch.float32, device=DEVICE)[:, None].requires_grad_()
    picture = splats.rasterize(means, scales, torch.zeros(count, device=DEVICE), colours, 8, 8, blend="topk", k=k)
    assert picture[4, 4].item() == pytest.approx(1.5, abs=1e-3)
    picture[4, 4].sum().backward()
    assert torch.equal(colours.grad[:, 0] > 0, torch.arange(count, device=DEVICE) < k)


def placed_splats(kind, count=40, height=90, width=130):
    means, scales, angles, *_ = (t.float().to(DEVICE) for t in scene(kind, count, height=height, width=width))
    return placed_axes(means, scales, angles, None, "sum")


def lists_of(sorted_splats):
    bounds = sorted_splats.offsets.tolist()
    members = sorted_splats.members.tolist()
    return [members[a:b] for a, b in itertools.pairwise(bounds)]


@pytest.mark.parametrize("kind", ["usual", "needles", "wide", "sub-pixel"])
def test_lists_have_the_splats_that_reach_a_pixel_and_few_others(kind):
    placed = placed_splats(kind)
    rows, columns = 6, 9
    lists = lists_of(bins.sort(placed, 0, rows, columns))
    p = placed.double().cpu()
    y, x = torch.meshgrid(torch.arange(rows * 16) + 0.5, torch.arange(columns * 16) + 0.5, indexing="ij")
    dx, dy = x - p[:, 0, None, None], y - p[:, 1, None, None]
    ux, uy, vx, vy = (p[:, i, None, None] for i in range(2, 6))
    q = (ux * dx + uy * dy) ** 2 + (vx * dx + vy * dy) ** 2
    reached = (q <= SUPPORT).reshape(-1, rows, 16, columns, 16).any(4).any(2).reshape(len(p), -1)
    found = torch.zeros_like(reached)
    for tile, members in enumerate(lists):
        assert members == sorted(members)
        found[members, tile] = True
    assert not (reached & ~found).any()
    # Others touch a tile between its pixels' centres: needles mostly.
    assert found.sum() <= reached.sum() * (1.6 if kind in ("needles", "sub-pixel") else 1.06) + 5


def test_long_lists_are_ordered_by_sorting(monkeypatch):
    placed = placed_splats("usual")
    expected = bins.sort(placed, 0, 6, 9, numbers=True)
    monkeypatch.setattr(bins, "BY_RANK", 1)
    found = bins.sort(placed, 0, 6, 9, numbers=True)
    assert torch.equal(found.members, expected.members)
    assert torch.equal(found.pairs, expected.pairs)


def test_lists_are_ordered_whatever_the_order_of_the_pairs():
    from smartsplat.gpu.kernels.bins import order_pairs
    from smartsplat.gpu.launch import launch

    sizes = [0, 1, 150, 64]
    offsets = torch.tensor([0, *torch.tensor(sizes).cumsum(0).tolist()], dtype=torch.int32, device=DEVICE)
    parts = [torch.randperm(n, generator=torch.Generator().manual_seed(n)) * 3 for n in sizes]
    mixed = torch.cat(parts).int().to(DEVICE)
    ordered = torch.full_like(mixed, -1)
    launch(order_pairs, (len(sizes),), offsets, mixed, ordered, S=64)
    expected = torch.cat([part.sort().values for part in parts]).int()
    assert torch.equal(ordered.cpu(), expected)


def test_some_rows_of_tiles_have_the_lists_of_the_whole():
    placed = placed_splats("usual")
    whole = lists_of(bins.sort(placed, 0, 6, 9))
    assert lists_of(bins.sort(placed, 2, 5, 9)) == whole[2 * 9 : 5 * 9]


def test_bounds_of_the_rows_are_no_less_than_their_pairs():
    placed = placed_splats("needles")
    bounds = bins.bounds_by_row(bins.reach_of(placed, 0, 6, 9), 6).tolist()
    lists = lists_of(bins.sort(placed, 0, 6, 9))
    counts = [sum(map(len, lists[9 * row : 9 * row + 9])) for row in range(6)]
    assert all(bound >= count for bound, count in zip(bounds, counts, strict=True))
    assert sum(bounds) > 0


def test_the_operator_gives_the_same_every_time():
    tensors, cotangent = scene("usual", 3, **SIZE), cotangent_for(**SIZE)
    first, second = (
        picture_and_gradients(splats.rasterize, tensors, cotangent, torch.float32, DEVICE, blend="sum")
        for _ in range(2)
    )
    assert torch.equal(first[0], second[0])
    assert all(torch.equal(a, b) for a, b in zip(first[1], second[1], strict=True))
