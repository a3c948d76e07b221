"""Pairs of pictures for the metrics, in whole numbers only, so that every machine makes the same bytes."""

import numpy as np


def _smooth(random, height, width, channels):
    """Random values 16 px apart, joined by straight lines, with a rectangle and a fine texture on them."""
    rows, columns = np.arange(height), np.arange(width)
    knots = random.randint(0, 256, (height // 16 + 2, width // 16 + 2, channels))
    lines = _between(knots, rows)
    picture = _between(lines.swapaxes(0, 1), columns).swapaxes(0, 1) // 256
    picture[height // 5 : height // 2, width // 4 : width // 3] //= 3
    texture = (rows[:, None] * 5 + columns * 3) % 17
    picture[: height // 3] += texture[: height // 3, :, None]
    return _bytes(picture)


def _between(knots, places):
    fraction = (places % 16)[:, None, None]
    return knots[places // 16] * (16 - fraction) + knots[places // 16 + 1] * fraction


def _bytes(values):
    return np.clip(values, 0, 255).astype(np.uint8)


def _blurred(picture, radius=2):
    """Box filter, each side of the picture repeated."""
    padded = np.pad(picture.astype(int), [(radius, radius), (radius, radius), (0, 0)], mode="edge")
    size = 2 * radius + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(0, 1))
    return _bytes(windows.sum(axis=(-1, -2)) // size**2)


def _noisy(picture, random, amplitude):
    return _bytes(picture + random.randint(-amplitude, amplitude + 1, picture.shape))


_DISTORTIONS = {
    "same": lambda picture, random: picture.copy(),
    "noise": lambda picture, random: _noisy(picture, random, 24),
    "faint": lambda picture, random: _noisy(picture, random, 1),
    "blur": lambda picture, random: _blurred(picture),
    "shift": lambda picture, random: np.roll(picture, (1, 2), axis=(0, 1)),
    "brighter": lambda picture, random: _bytes(picture.astype(int) + 60),
    "negative": lambda picture, random: 255 - picture,
    "coarse": lambda picture, random: picture // 32 * 32,
    "other": lambda picture, random: _smooth(random, *picture.shape),
    "static": lambda picture, random: _bytes(random.randint(0, 256, picture.shape)),
    "flat": lambda picture, random: np.full_like(picture, 90),
}

_SIZES = [
    (161, 161, 3),
    (176, 192, 1),
    (163, 256, 3),
    (255, 177, 1),
    (321, 290, 3),
    (11, 11, 3),
    (12, 40, 1),
    (160, 300, 3),
]


def metric_pictures():
    """Name, picture and distorted picture of every case, uint8 [H, W, 3], or [H, W] for grey."""
    for number, (height, width, channels) in enumerate(_SIZES):
        for name, distort in _DISTORTIONS.items():
            random = np.random.RandomState(number)  # whose numbers are the same in every version of NumPy
            picture = _smooth(random, height, width, channels)
            distorted = distort(picture, random)
            if channels == 1:
                picture, distorted = picture[:, :, 0], distorted[:, :, 0]
            yield f"{name} {width}x{height}x{channels}", picture, distorted
