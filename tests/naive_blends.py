"""The blends of smartsplat.torch in plain PyTorch: all splats at all pixels, differentiated by autograd."""

import math

import torch

SUPPORT = 2 * math.log(255)
LEAST = 1e-8


def axes_conics(scales, angles):
    """Inverse covariances [N, 3]."""
    c, s = torch.cos(angles), torch.sin(angles)
    a, b = (1 / scales**2).unbind(1)
    return torch.stack([c * c * a + s * s * b, c * s * (a - b), s * s * a + c * c * b], dim=1)


def distances(means, conics, height, width):
    """Squared Mahalanobis distances [N, H, W]."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    dx, dy = x[None] - means[:, 0, None, None], y[None] - means[:, 1, None, None]
    a, b, c = conics[:, :, None, None].unbind(1)
    return a * dx * dx + 2 * b * dx * dy + c * dy * dy


def weights(means, conics, height, width):
    q = distances(means, conics, height, width)
    return torch.where(q <= SUPPORT, torch.exp(-q / 2), torch.zeros_like(q))


def scaled(weights, opacities):
    return weights if opacities is None else weights * opacities[:, None, None]


def blend_sum(means, conics, colours, opacities, height, width, k):
    return torch.einsum("nhw,nc->hwc", scaled(weights(means, conics, height, width), opacities), colours)


def blend_alpha(means, conics, colours, opacities, height, width, k):
    alpha = scaled(weights(means, conics, height, width), opacities)
    picture = torch.zeros(height, width, colours.shape[1], dtype=means.dtype)
    through = torch.ones(height, width, dtype=means.dtype)
    for a, colour in zip(alpha, colours, strict=True):
        picture = picture + (a * through)[..., None] * colour
        through = through * (1 - a)
    return picture


def blend_topk(means, conics, colours, opacities, height, width, k):
    strength = scaled(torch.exp(-distances(means, conics, height, width) / 2), opacities)
    strength = torch.where(strength >= LEAST, strength, torch.zeros_like(strength))
    order = torch.sort(strength.detach(), dim=0, descending=True, stable=True).indices[:k]
    chosen = torch.gather(strength, 0, order)
    share = chosen / (chosen.sum(0) + 1e-4)
    return torch.einsum("khw,khwc->hwc", share, colours[order])


BLENDS = {"sum": blend_sum, "alpha": blend_alpha, "topk": blend_topk}


def rasterize_conics(means, conics, colours, height, width, *, opacities=None, blend="sum", k=10):
    return BLENDS[blend](means, conics, colours, opacities, height, width, k)


def rasterize(means, scales, angles, colours, height, width, **options):
    return rasterize_conics(means, axes_conics(scales, angles), colours, height, width, **options)
