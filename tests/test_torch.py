"""smartsplat.torch against plain PyTorch in double precision, and what PyTorch asks of an operator."""

import os
import shutil
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra: torch)")

from smartsplat import torch as splats  # noqa: E402
from tests import naive_blends as naive  # noqa: E402

BLENDS = ["sum", "alpha", "topk"]
NAMES = ["means", "scales", "angles", "colours", "opacities"]
TOLERANCE = 1e-4
"""Relative to the greatest entry of a column."""


@pytest.fixture(autouse=True)
def one_thread():
    """Of PyTorch: more of them only get into each other's way at these sizes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def scene(kind, count=40, channels=3, height=45, width=70, seed=0):
    """Parameters in single precision, as doubles, so that both precisions mean the same splats."""
    generator = torch.Generator().manual_seed(seed)
    least, most = {"usual": (0.8, 8.0), "sub-pixel": (0.05, 0.6), "wide": (60.0, 400.0), "needles": (0.3, 60.0)}[kind]

    def uniform(*shape):
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    size = torch.tensor([width, height])
    means = uniform(count, 2) * (size + 20) - 10  # a third of them with their centres outside
    scales = least * (most / least) ** uniform(count, 2)
    colours = 2 * uniform(count, channels) - 1
    parameters = means, scales, 6 * uniform(count) - 3, colours, 0.05 + 0.9 * uniform(count)
    return [tensor.float().double() for tensor in parameters]


def conics_of(scales, angles):
    return naive.axes_conics(scales, angles).float().double()


def picture_and_gradients(rasterize, tensors, cotangent, dtype=torch.float64, **options):
    """Of parameters, the last of which are the opacities; as doubles."""
    leaves = [tensor.detach().to(dtype, copy=True).requires_grad_() for tensor in tensors]
    height, width = cotangent.shape[:2]
    picture = rasterize(*leaves[:-1], height, width, opacities=leaves[-1], **options)
    picture.backward(cotangent.to(dtype))
    return picture.detach().double(), [leaf.grad.double() for leaf in leaves]


def assert_columns_agree(actual, expected, tolerance=TOLERANCE):
    for a, b in zip(actual, expected, strict=True):
        a, b = (tensor.reshape(len(tensor), -1) for tensor in (a, b))
        scale = b.abs().amax(dim=0)
        assert (scale > 0).all()
        assert ((a - b).abs().amax(dim=0) / scale).max() < tolerance


def cotangent_for(channels=3, height=45, width=70, seed=1):
    return torch.randn(height, width, channels, generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize("kind", ["usual", "sub-pixel", "wide", "needles"])
@pytest.mark.parametrize("blend", BLENDS)
def test_pictures_and_gradients_are_those_of_naive_autograd(instruction_set, blend, kind):
    tensors, cotangent = scene(kind), cotangent_for()
    expected, by = picture_and_gradients(naive.rasterize, tensors, cotangent, blend=blend)
    for dtype, tolerance in ((torch.float32, TOLERANCE), (torch.float64, 1e-9)):
        picture, gradients = picture_and_gradients(splats.rasterize, tensors, cotangent, dtype, blend=blend)
        assert (picture - expected).abs().max() < tolerance * expected.abs().max()
        assert_columns_agree(gradients, by, tolerance)


@pytest.mark.parametrize("kind", ["usual", "sub-pixel", "wide", "needles"])
@pytest.mark.parametrize("blend", BLENDS)
def test_conics_do_as_well(blend, kind):
    means, scales, angles, colours, opacities = scene(kind)
    tensors, cotangent = (means, conics_of(scales, angles), colours, opacities), cotangent_for()
    expected, by = picture_and_gradients(naive.rasterize_conics, tensors, cotangent, blend=blend)
    for dtype, tolerance in ((torch.float32, TOLERANCE), (torch.float64, 1e-9)):
        picture, gradients = picture_and_gradients(splats.rasterize_conics, tensors, cotangent, dtype, blend=blend)
        assert (picture - expected).abs().max() < tolerance * expected.abs().max()
        assert_columns_agree(gradients, by, tolerance)


@pytest.mark.parametrize("channels", [1, 2, 4, 5, 9])
@pytest.mark.parametrize("blend", BLENDS)
def test_any_number_of_channels(instruction_set, blend, channels):
    tensors, cotangent = scene("usual", channels=channels), cotangent_for(channels)
    expected, by = picture_and_gradients(naive.rasterize, tensors, cotangent, blend=blend)
    for dtype, tolerance in ((torch.float32, TOLERANCE), (torch.float64, 1e-9)):
        picture, gradients = picture_and_gradients(splats.rasterize, tensors, cotangent, dtype, blend=blend)
        assert (picture - expected).abs().max() < tolerance * expected.abs().max()
        assert_columns_agree(gradients, by, tolerance)


@pytest.mark.parametrize("blend", BLENDS)
def test_without_opacities_they_are_1(blend):
    *tensors, opacities = (tensor.float() for tensor in scene("usual"))
    expected = splats.rasterize(*tensors, 45, 70, opacities=torch.ones_like(opacities), blend=blend)
    tensors[3].requires_grad_()
    picture = splats.rasterize(*tensors, 45, 70, blend=blend)
    assert torch.equal(picture.detach(), expected)
    picture.sum().backward()
    assert tensors[3].grad.abs().max() > 0


@pytest.mark.parametrize("opacity", [0.02, 1.0])
def test_many_layers_over_each_other(opacity):
    # So many that what reaches their pixels is not kept for all at a time; opaque ones hide those behind them.
    means, scales, angles, colours, _ = scene("wide", count=150, height=70, width=130)
    tensors = (means, scales, angles, colours, torch.full((150,), opacity).double())
    cotangent = cotangent_for(height=70, width=130)
    expected, by = picture_and_gradients(naive.rasterize, tensors, cotangent, blend="alpha")
    for dtype, tolerance in ((torch.float32, TOLERANCE), (torch.float64, 1e-6)):
        picture, gradients = picture_and_gradients(splats.rasterize, tensors, cotangent, dtype, blend="alpha")
        assert (picture - expected).abs().max() < tolerance * expected.abs().max()
        assert_columns_agree(gradients, by, tolerance)


def test_an_opaque_pixel_has_gradients():
    # Right at the centre alpha is 1, and nothing may be divided by 1 - alpha.
    tensors = (torch.tensor([[3.5, 3.5], [3.5, 3.5]]), torch.full((2, 2), 2.0), torch.zeros(2), torch.rand(2, 1),
               torch.ones(2))  # fmt: skip
    tensors = [tensor.double() for tensor in tensors]
    cotangent = cotangent_for(1, 7, 7)
    _, by = picture_and_gradients(naive.rasterize, tensors, cotangent, blend="alpha")
    _, gradients = picture_and_gradients(splats.rasterize, tensors, cotangent, blend="alpha")
    for a, b in zip(gradients, by, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("k", [1, 2, 3, 17, 40, 41, 1000])
def test_any_number_of_the_strongest(instruction_set, k):
    tensors, cotangent = scene("usual"), cotangent_for()
    expected, by = picture_and_gradients(naive.rasterize, tensors, cotangent, blend="topk", k=k)
    picture, gradients = picture_and_gradients(splats.rasterize, tensors, cotangent, torch.float32, blend="topk", k=k)
    # Where two splats are equally strong to rounding, either may be taken: the picture jumps at few pixels.
    off = (picture - expected).abs().amax(dim=2) > TOLERANCE * expected.abs().max()
    assert off.sum() <= 2
    if not off.any():
        assert_columns_agree(gradients, by)


def test_of_equally_strong_splats_the_first_are_taken(instruction_set):
    count, k = 30, 4
    means, scales = torch.full((count, 2), 8.3), torch.full((count, 2), 3.0)
    colours = torch.arange(count, dtype=torch.float32)[:, None].requires_grad_()
    picture = splats.rasterize(means, scales, torch.zeros(count), colours, 16, 16, blend="topk", k=k)
    assert picture[8, 8].item() == pytest.approx(1.5, abs=1e-3)
    picture[8, 8].sum().backward()
    assert torch.equal(colours.grad[:, 0] > 0, torch.arange(count) < k)


@pytest.mark.parametrize("blend", BLENDS)
def test_the_result_does_not_depend_on_the_number_of_threads(blend):
    tensors, cotangent = scene("usual", 300, height=150, width=200), cotangent_for(height=150, width=200)
    results = []
    for threads in (1, 2, 5):
        torch.set_num_threads(threads)
        results.append(picture_and_gradients(splats.rasterize, tensors, cotangent, torch.float32, blend=blend))
    for picture, gradients in results[1:]:
        assert torch.equal(picture, results[0][0])
        assert all(torch.equal(a, b) for a, b in zip(gradients, results[0][1], strict=True))


def layouts(tensor):
    """The same numbers in other layouts."""
    yield tensor.transpose(0, -1).contiguous().transpose(0, -1)
    yield torch.stack([tensor, tensor], dim=-1)[..., 0]
    yield tensor.flip(0).contiguous().flip(0)


@pytest.mark.parametrize("blend", BLENDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tensors_and_cotangents_of_any_layout(blend, dtype):
    tensors, cotangent = [tensor.to(dtype) for tensor in scene("usual")], cotangent_for().to(dtype)
    arguments = (cotangent, *tensors, blend, 10)
    expected = torch.ops.smartsplat.rasterize_vjp(*arguments)
    picture = torch.ops.smartsplat.rasterize(*tensors, 45, 70, blend, 10)
    for number in range(6):
        for same in layouts(arguments[number]):
            changed = [*arguments[:number], same, *arguments[number + 1 :]]
            for a, b in zip(torch.ops.smartsplat.rasterize_vjp(*changed), expected, strict=True):
                assert torch.equal(a, b)
            assert torch.equal(torch.ops.smartsplat.rasterize(*changed[1:6], 45, 70, blend, 10), picture)
    broadcast = torch.ones((), dtype=dtype).expand(45, 70, 3)
    full = torch.ops.smartsplat.rasterize_vjp(torch.ones(45, 70, 3, dtype=dtype), *arguments[1:])
    for a, b in zip(torch.ops.smartsplat.rasterize_vjp(broadcast, *arguments[1:]), full, strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("blend", BLENDS)
@pytest.mark.parametrize(
    ("count", "height", "width"), [(0, 7, 9), (5, 0, 9), (5, 7, 0), (5, 1, 1), (0, 0, 0), (5, 1, 90)]
)
def test_empty_and_tiny_pictures(blend, count, height, width):
    tensors = [tensor.float().requires_grad_() for tensor in scene("wide", count, height=height, width=width)]
    picture = splats.rasterize(*tensors[:-1], height, width, opacities=tensors[-1], blend=blend)
    assert picture.shape == (height, width, 3)
    picture.sum().backward()
    for tensor in tensors:
        assert tensor.grad.shape == tensor.shape
        assert (tensor.grad.abs().max() > 0) if picture.numel() and count else not tensor.grad.any()


BAD = {
    "means": (float("nan"), float("inf"), 1e30),
    "scales": (0.0, float("nan"), float("inf"), 1e-30, 1e25),
    "angles": (float("nan"), float("inf")),
    "colours": (float("nan"), -float("inf")),
    "opacities": (float("nan"), float("inf")),
}


@pytest.mark.parametrize("blend", BLENDS)
@pytest.mark.parametrize("name", NAMES)
def test_splats_that_cannot_be_drawn_show_nothing(instruction_set, blend, name):
    good, cotangent = scene("usual", 12), cotangent_for()
    expected, by = picture_and_gradients(splats.rasterize, good, cotangent, torch.float32, blend=blend)
    bad = [torch.cat([tensor, tensor[: len(BAD[name])]]) for tensor in good]
    column = bad[NAMES.index(name)]
    column.view(len(column), -1)[12:, 0] = torch.tensor(BAD[name], dtype=column.dtype)
    picture, gradients = picture_and_gradients(splats.rasterize, bad, cotangent, torch.float32, blend=blend)
    assert torch.equal(picture, expected)
    for a, b in zip(gradients, by, strict=True):
        assert torch.equal(a[:12], b)
        assert not a[12:].any()


def test_conics_that_are_not_positive_definite_show_nothing():
    conics = torch.tensor([[1.0, 2.0, 1.0], [-1.0, 0.0, -1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [float("nan"), 0, 1]])
    conics.requires_grad_()
    for blend in BLENDS:
        picture = splats.rasterize_conics(torch.full((5, 2), 4.0), conics, torch.ones(5, 1), 8, 8, blend=blend)
        assert not picture.any()
        picture.sum().backward()
        assert not conics.grad.any()


def test_signs_of_scales_do_not_matter():
    tensors, cotangent = scene("usual"), cotangent_for()
    picture, by = picture_and_gradients(splats.rasterize, tensors, cotangent)
    tensors[1] = -tensors[1]
    same, negative = picture_and_gradients(splats.rasterize, tensors, cotangent)
    assert torch.equal(same, picture)
    assert torch.equal(negative[1], -by[1])


def arguments(**changes):
    tensors = dict(zip(NAMES, (tensor.float() for tensor in scene("usual", 4)), strict=True))
    return tensors | {"height": 5, "width": 6} | changes


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"means": torch.zeros(4, 3)}, r"means must be \[N, 2\] with N = 4, not \[4, 3\]"),
        ({"means": torch.zeros(())}, "means"),
        ({"means": torch.zeros(4, 2).half()}, "float32 or float64"),
        ({"means": torch.zeros(4, 2).int()}, "float32 or float64"),
        ({"means": [[1.0, 2.0]]}, "must be a tensor, not list"),
        ({"scales": torch.zeros(5, 2)}, "scales"),
        ({"scales": torch.zeros(4, 2).double()}, "scales must be torch.float32 as means are, not torch.float64"),
        ({"angles": torch.zeros(4, 1)}, "angles"),
        ({"colours": torch.zeros(4, 0)}, "colours"),
        ({"colours": torch.zeros(4)}, "colours"),
        ({"colours": torch.zeros(4, 3, device="meta")}, "colours must be a dense tensor on the CPU or a graphics card"),
        ({"opacities": torch.zeros(4, 1)}, "opacities"),
        ({"blend": "max"}, "blend must be one of sum, alpha, topk, not 'max'"),
        ({"height": -1}, "at least 0"),
        ({"k": 0}, "k at least 1"),
    ],
)
def test_wrong_arguments_are_one_clear_error(changes, words):
    with pytest.raises(ValueError, match=words) as error:
        splats.rasterize(**arguments(**changes))
    assert "\n" not in str(error.value)


def test_the_operators_refuse_them_as_well():
    tensors = [tensor.float() for tensor in scene("usual", 4)]
    for wrong in (tensors[0][:, :1], tensors[0][:3]):
        with pytest.raises(ValueError, match="means"):
            torch.ops.smartsplat.rasterize(wrong, *tensors[1:], 5, 6, "sum", 10)
    with pytest.raises(ValueError, match="cotangent"):
        torch.ops.smartsplat.rasterize_vjp(torch.zeros(5, 6, 2), *tensors, "sum", 10)


def small(blend, kind, dtype=torch.float64):
    """An operator and its arguments, few enough to be differentiated one by one."""
    tensors = [tensor.to(dtype).requires_grad_() for tensor in scene("usual", 5, 2, 12, 15)]
    if kind == "conics":
        means, scales, angles, colours, opacities = tensors
        conics = conics_of(scales, angles).detach().to(dtype).requires_grad_()
        return torch.ops.smartsplat.rasterize_conics, (means, conics, colours, opacities, 12, 15, blend, 3)
    return torch.ops.smartsplat.rasterize, (*tensors, 12, 15, blend, 3)


@pytest.mark.parametrize("kind", ["axes", "conics"])
@pytest.mark.parametrize("blend", BLENDS)
def test_gradcheck(blend, kind):
    operator, values = small(blend, kind)
    assert torch.autograd.gradcheck(operator, values, eps=1e-6, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("blend", "kind"), [("sum", "axes"), ("alpha", "conics"), ("topk", "axes")])
def test_opcheck(blend, kind):
    operator, values = small(blend, kind, torch.float32)
    torch.library.opcheck(operator.default, values)
    *tensors, height, width, blend, k = values
    product = getattr(torch.ops.smartsplat, operator._qualified_op_name.split("::")[1] + "_vjp").default
    detached = [tensor.detach() for tensor in tensors]
    torch.library.opcheck(product, (torch.rand(height, width, 2), *detached, blend, k))
    torch.library.opcheck(product, (torch.rand(height, width, 2), *detached[:-1], None, blend, k))


def assert_compiles(loss, counts, **how):
    """A compiled function of Gaussians has the value and the gradients that it has otherwise."""
    compiled = torch.compile(loss, fullgraph=True, **how)
    for count in counts:
        results = []
        for function in (loss, compiled):
            tensors = [tensor.float().requires_grad_() for tensor in scene("usual", count)]
            value = function(*tensors)
            value.backward()
            results.append([value.detach(), *(tensor.grad for tensor in tensors)])
        for a, b in zip(*results, strict=True):
            torch.testing.assert_close(a, b)


@pytest.mark.parametrize("blend", BLENDS)
def test_compiles_without_a_break_in_the_graph(blend):
    def loss(means, scales, angles, colours, opacities):
        size = {"height": 40, "width": 50}
        picture = splats.rasterize(means, scales.exp(), angles, colours, **size, opacities=opacities, blend=blend)
        conics = torch.stack([scales[:, 0].exp(), scales[:, 0] * 0, scales[:, 1].exp()], dim=1)
        other = splats.rasterize_conics(means, conics, colours, **size, blend=blend, k=3)
        return (picture.clamp(0, 1) - 0.3).square().mean() + other.mean()

    assert_compiles(loss, (6, 9), backend="aot_eager")  # the second time with a number that may change


@pytest.mark.skipif(not shutil.which(os.environ.get("CXX", "g++")), reason="there is no C++ compiler for PyTorch")
def test_compiles_to_native_code():
    """With the backend that PyTorch has by itself: C++ around the operators, which may hand them tensors of any layout.

    One graph for all blends: the first compilation of a machine takes some twenty seconds whatever is in it.
    """

    def loss(means, scales, angles, colours, opacities):
        args = means, scales.exp(), angles, colours, 40, 50
        pictures = [splats.rasterize(*args, opacities=opacities, blend=blend) for blend in BLENDS]
        return sum((picture.clamp(0, 1) - 0.3).square().mean() for picture in pictures)

    assert_compiles(loss, (6,))


def test_gradients_may_be_asked_for_twice_but_not_after_a_change():
    tensors = [tensor.float().requires_grad_() for tensor in scene("usual", 4)]
    picture = splats.rasterize(*tensors[:4], 8, 8, opacities=tensors[4])
    first, second = (torch.autograd.grad(picture.sum(), tensors, retain_graph=True) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not [name for name in vars(picture) if "smartsplat" in name]
    with torch.no_grad():
        tensors[1] += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        picture.sum().backward()


def test_a_gradient_of_the_gradient_is_refused():
    tensors = [tensor.float().requires_grad_() for tensor in scene("usual", 4)]
    picture = splats.rasterize(*tensors[:4], 8, 8)
    (by_means,) = torch.autograd.grad(picture.square().sum(), tensors[0], create_graph=True)
    with pytest.raises(NotImplementedError, match="first derivatives only"):
        by_means.sum().backward()


def test_importing_smartsplat_does_not_import_torch():
    code = "import sys, smartsplat, smartsplat.api; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
