"""Views of a small scale, which a Renderer draws of fewer nodes than the lattice has: as near as 8 bits can tell."""

import threading

import numpy as np
import pytest

from smartsplat.engines import load_engine
from smartsplat.engines.reference import node_weights
from smartsplat.file.regions import view_of
from smartsplat.model.lattice import LATTICE_SCALE, Lattice, lattice_shape
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from tests.lattices import photo_lattice, random_lattice

NOTHING = Splats(np.zeros((0, 8), np.float32))
TOLERANCE = 0.3 / 255
"""Largest difference from the exact sums: 0.15 / 255 was found in pictures, 0.25 / 255 in noise without bounds."""


def served(lattice, view):
    """What a renderer that is kept draws, in [0, 1]."""
    pixels = np.empty((view.height, view.width, 3), np.float32)
    renderer = load_engine("cpu").views(lattice.width, lattice.height, NOTHING, lattice)
    renderer.render(view, pixels, threads=2, work=np.inf)
    return pixels


def exact(lattice, view):
    """The same by the definition: all nodes, in double precision."""
    rows, columns = lattice.values.shape[1:]
    down = node_weights(rows, lattice.spacing, view.height, view.zoom * view.aspect, view.top, view.blur)
    across = node_weights(columns, lattice.spacing, view.width, view.zoom, view.left, view.blur)
    return np.stack([down.T @ plane @ across for plane in lattice.values.astype(float)], axis=2).clip(0, 1)


def even_lattice(width, height, spacing, value=0.7):
    """One whose picture is of one colour but for its border."""
    node = value / (2 * np.pi * LATTICE_SCALE**2)
    return Lattice(width, height, spacing, np.full((3, *lattice_shape(width, height, spacing)), node, np.float32))


@pytest.mark.parametrize(("spacing", "scale"), [(1, 1 / 8), (1, 1 / 9), (2, 1 / 16), (1, 1 / 40), (2, 1 / 300)])
def test_a_small_view_is_as_all_nodes_make_it(rng, instruction_set, spacing, scale):
    width, height = 410 * spacing, 260 * spacing
    for lattice in (photo_lattice(width, height, spacing), random_lattice(rng, width, height, spacing)):
        for region in (None, (0.3 * width, 0.11 * height, width / 2, height / 3)):
            view = view_of(width, height, scale, region)
            np.testing.assert_allclose(served(lattice, view), exact(lattice, view), atol=TOLERANCE, rtol=0)


def test_hardly_a_sample_is_another_in_8_bits(rng):
    lattice = photo_lattice(1360, 900, 1)
    values = lattice.values / (2 * np.pi * LATTICE_SCALE**2)  # sums within [0, 1]
    lattice = Lattice(1360, 900, 1, values)
    view = view_of(1360, 900, 1 / 8, None)
    steps = np.floor(255 * served(lattice, view) + 0.5) - np.floor(255 * exact(lattice, view) + 0.5)
    assert np.abs(steps).max() <= 1
    assert np.mean(steps != 0) < 0.02


@pytest.mark.parametrize("size", [(2500, 1), (1, 2500), (900, 9), (17, 17), (33, 300)])
def test_pictures_of_every_shape(rng, size):
    lattice = random_lattice(rng, *size, 1)
    view = view_of(*size, 1 / 11, None)
    np.testing.assert_allclose(served(lattice, view), exact(lattice, view), atol=TOLERANCE, rtol=0)


def test_one_colour_stays_that_colour():
    lattice = even_lattice(1200, 800, 2)
    for scale in (1 / 8, 1 / 17, 1 / 64):
        pixels = served(lattice, view_of(1200, 800, scale, (320, 320, 512, 192)))
        np.testing.assert_allclose(pixels, 0.7, atol=2e-4)


def test_views_that_are_stretched(rng):
    lattice = random_lattice(rng, 900, 800, 1)
    for zoom, aspect in ((1 / 16, 0.5), (1 / 16, 1.7), (1 / 12, 0.25)):
        least = min(zoom, zoom * aspect)
        view = View(40, 30, zoom=zoom, left=31.5, top=7.25, blur=(1 - least**2) / 12, aspect=aspect)
        np.testing.assert_allclose(served(lattice, view), exact(lattice, view), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("region", [(0, 0, 1, 1), (0.31, 0.17, 0.5, 0.4), (0.8, 0.9, 0.2, 0.1)])
@pytest.mark.parametrize(("spacing", "scale"), [(1, 1 / 2), (1, 1 / 4), (2, 1 / 4), (2, 1 / 8), (4, 1 / 8)])
def test_pixels_of_two_or_four_nodes(rng, instruction_set, spacing, scale, region):
    """Where all pixels see the nodes with the same weights."""
    width, height = 808, 600
    lattice = random_lattice(rng, width, height, spacing)
    left, top, across, down = region
    view = View(int(across * width * scale), int(down * height * scale), zoom=scale, left=left * width,
                top=top * height, blur=(1 - scale**2) / 12)  # fmt: skip
    np.testing.assert_allclose(served(lattice, view), exact(lattice, view), atol=5e-5, rtol=0)


@pytest.mark.parametrize(("left", "top"), [(-37.5, -80.0), (250.25, 133.0), (-400.0, 10.0), (10.0, 999.0)])
def test_pixels_of_four_nodes_beyond_the_sides(rng, instruction_set, left, top):
    lattice = random_lattice(rng, 500, 400, 1)
    view = View(90, 100, zoom=1 / 4, left=left, top=top, blur=0.07)
    np.testing.assert_allclose(served(lattice, view), exact(lattice, view), atol=5e-5, rtol=0)


def test_a_view_without_blur_is_made_of_all_nodes(rng):
    lattice = random_lattice(rng, 600, 500, 1)
    view = View(50, 40, zoom=1 / 12, left=3.37, top=9.13, blur=0.0)
    np.testing.assert_allclose(served(lattice, view), exact(lattice, view), atol=1e-4, rtol=0)


def test_a_part_of_a_view_is_as_in_the_whole(rng):
    lattice = random_lattice(rng, 1024, 512, 1)
    whole = served(lattice, view_of(1024, 512, 1 / 16, None))
    part = served(lattice, view_of(1024, 512, 1 / 16, (256, 128, 512, 256)))
    np.testing.assert_allclose(part, whole[8:24, 16:48], atol=1e-5)


def test_more_nodes_than_a_tile_takes_at_a_time(rng, instruction_set):
    """A renderer for one view goes through all nodes: 9000 rows for a tile of 90."""
    lattice = random_lattice(rng, 30, 9000, 1)
    view = view_of(30, 9000, 1 / 100, None)
    frame = load_engine("cpu").canvas(view, lattice).place(NOTHING)
    np.testing.assert_allclose(frame.render().clip(0, 1), exact(lattice, view), atol=1e-4)


@pytest.mark.parametrize("scale", [1 / 2, 1 / 3, 1 / 4])
def test_the_end_of_the_nodes_is_the_end(rng, instruction_set, scale):
    """Where vectors would reach beyond the last node there may be anything."""
    width, height = 250, 130
    memory = np.full(3 * width * height + 64, np.nan, np.float32)
    values = memory[: 3 * width * height].reshape(3, height, width)
    values[:] = random_lattice(rng, width, height, 1).values
    lattice = Lattice(width, height, 1, values)
    view = view_of(width, height, scale, None)
    np.testing.assert_allclose(served(lattice, view), exact(lattice, view), atol=1e-4)


def test_threads_that_are_the_first_to_ask(rng):
    lattice = random_lattice(rng, 700, 500, 1)
    view = view_of(700, 500, 1 / 32, None)
    renderer = load_engine("cpu").views(700, 500, NOTHING, lattice)
    found = [np.empty((view.height, view.width, 3), np.float32) for _ in range(8)]
    barrier = threading.Barrier(len(found))

    def draw(pixels):
        barrier.wait()
        renderer.render(view, pixels, threads=2, work=np.inf)

    threads = [threading.Thread(target=draw, args=(pixels,)) for pixels in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for pixels in found:
        np.testing.assert_array_equal(pixels, found[0])
    np.testing.assert_allclose(found[0], exact(lattice, view), atol=TOLERANCE, rtol=0)
