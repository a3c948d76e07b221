"""What is settled before anything is fitted: the bytes of the sections, and what they are for."""

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from smartsplat import _native
from smartsplat.coding.container import Container
from smartsplat.coding.format import EXIF, ICC, LATTICE, SPLATS
from smartsplat.coding.lattice_section import write_lattice
from smartsplat.coding.splat_section import write_splats
from smartsplat.errors import TargetError
from smartsplat.pipeline.budget import GREATEST_SHARE, Envelope
from smartsplat.pipeline.plan import BYTES_ALONE, BYTES_PER_SPLAT, LATTICE_SHARED, plan_for, spacing_for
from smartsplat.pipeline.search import CLOSE_ENOUGH, MOST_TRIALS, START_CR, next_size, smallest_reaching
from tests.lattices import photo_spectrum
from tests.oracles.file import Part, pack_splats
from tests.oracles.tiers import coarse_to_fine, splat_logs

PIXELS = 96 * 64
METADATA = {ICC: bytes(150), EXIF: bytes(40)}


def envelope(metadata=None, size=(96, 64)):
    return Envelope(*size, False, metadata or {})


# The plan


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("budget", [60, 1000, 3001])
def test_all_bytes_to_splats(budget, grey):
    for share in (1.0, 1.5):
        plan = plan_for(PIXELS, budget, share, grey=grey)
        assert (plan.budget, plan.splat_budget, plan.spacing) == (budget, budget, None)
        assert plan.count == int(budget / BYTES_ALONE[grey])


@pytest.mark.parametrize("budget", [60, 1000, 3001])
def test_all_bytes_to_the_lattice(budget):
    plan = plan_for(PIXELS, budget, 0.0, grey=False)
    assert (plan.splat_budget, plan.count, plan.spacing) == (0, 0, spacing_for(PIXELS, budget))
    assert plan.lattice_budget == budget


@pytest.mark.parametrize("share", [0.01, 0.35, 0.8, 0.99])
def test_bytes_for_both(share):
    plan = plan_for(PIXELS, 1000, share, grey=False)
    assert plan.splat_budget == int(share * 1000)
    assert plan.splat_budget + plan.lattice_budget == plan.budget == 1000
    assert plan.count == max(1, int(plan.splat_budget / BYTES_PER_SPLAT[False]))
    assert plan.spacing == spacing_for(PIXELS, 1000)


def test_what_splats_do_not_take_is_the_lattice_s():
    plan = plan_for(PIXELS, 1000, 0.35, grey=False)
    assert [plan.left_for_lattice(spent) for spent in (350, 300, 1000)] == [651, 701, 1]


def test_there_is_at_least_one_splat_and_at_most_one_a_pixel():
    assert plan_for(PIXELS, 1, 1.0, grey=False).count == 1
    assert plan_for(50, 10**6, 1.0, grey=False).count == 50


def test_plans_are_values():
    plan = plan_for(PIXELS, 1000, 0.35, grey=False)
    assert plan == plan_for(PIXELS, 1000, 0.35, grey=False)
    with pytest.raises(FrozenInstanceError):
        plan.budget = 5


# From bytes of the file to those of the sections


def section_of(length, size):
    """Splats in so many bytes, all in the last chunk; one byte less where lengths take another byte."""
    square_log = _native.usual_square_log(*size)
    chunks = len(list(coarse_to_fine(*size, splat_logs(*size, square_log))))
    for last in range(length - chunks - 12, length):
        section = pack_splats(Part(0, [b""] * (chunks - 1) + [bytes(last)], 1), square_log)
        if len(section) >= length:
            return section
    raise AssertionError("no such section")


@pytest.mark.parametrize("metadata", [{}, METADATA], ids=["bare", "metadata"])
@pytest.mark.parametrize("size", [(1, 1), (96, 64), (20_000, 300)], ids=str)
def test_sections_of_the_budget_fill_the_file(metadata, size):
    around = envelope(metadata, size)
    for file_budget in [*range(270, 450), 1000, 16_600, 16_700, 300_000]:
        budget = around.section_budget(file_budget)
        # One byte more would be too many, but for where the number of them takes another byte.
        section = section_of(budget, size)
        if len(section) == budget:
            assert len(around.container(section).to_bytes()) <= file_budget
        longer = section_of(budget + 5, size)
        assert len(around.container(longer).to_bytes()) > file_budget


@pytest.mark.parametrize("size", [(96, 64), (2500, 1700)], ids=str)
def test_a_lattice_adds_no_more_than_its_length(size):
    splats = write_splats(np.zeros((1, 9), np.int32), 0, *size)[0]
    lattice = write_lattice(photo_spectrum(*size, 4), 4000).section
    one, two = (len(envelope({}, size).container(splats, section).to_bytes()) for section in (None, lattice))
    assert two - one == len(lattice) - LATTICE_SHARED


def test_budgets_too_small_for_a_splat_are_refused():
    with pytest.raises(TargetError, match="least possible size is") as caught:
        envelope().section_budget(10)
    least = int(str(caught.value).split()[-2])
    assert envelope().section_budget(least) > 0
    with pytest.raises(TargetError, match="190 of them metadata"):
        envelope(METADATA).section_budget(least)


def test_containers_are_new_ones_and_leave_the_envelope_as_it_was():
    around = envelope(METADATA)
    splats, others = (write_splats(np.ones((n, 9), np.int32), 0, 96, 64)[0] for n in (1, 2))
    lattice = write_lattice(photo_spectrum(96, 64), 4000).section
    one, two = around.container(splats, lattice), around.container(others)
    assert one.sections == METADATA | {SPLATS: splats, LATTICE: lattice}
    assert two.sections == METADATA | {SPLATS: others}
    assert list(Container.from_bytes(one.to_bytes()).sections) == [SPLATS, LATTICE, ICC, EXIF]
    assert around == envelope(METADATA)
    assert around.metadata_bytes == 190


def test_exif_beyond_its_share_is_left_out():
    around, most = envelope(METADATA), int(40 / GREATEST_SHARE)
    assert around.trimmed(most) == around
    assert around.trimmed(most - 1).metadata == {ICC: METADATA[ICC]}
    assert around.metadata == METADATA


# The search for a quality


def logarithmic(size):
    """dB of a file of so many bytes."""
    return 9 * math.log10(size) + 5


@pytest.mark.parametrize("wanted", [25, 30.5, 40])
def test_the_search_ends_just_above_what_is_wanted(wanted):
    asked = []

    def encode(size):
        asked.append(size)
        return logarithmic(size), size, size

    found = smallest_reaching(wanted, encode, least=128, most=10**6)
    assert 0 <= logarithmic(found) - wanted <= CLOSE_ENOUGH
    assert found == min(size for size in asked if logarithmic(size) >= wanted)
    assert len(asked) <= MOST_TRIALS
    assert asked[0] == 10**6 / START_CR


def test_what_cannot_be_reached_is_refused_with_the_best():
    with pytest.raises(TargetError, match=r"99 dB .* best was 59\.00 dB"):
        smallest_reaching(99, lambda size: (logarithmic(size), size, size), least=128, most=10**6)


def test_the_next_size_follows_from_the_trials_alone():
    trials = [(3.0, 28.0), (4.0, 36.0)]
    sizes = {next_size(trials, 30.0, most=10**6, least=128) for _ in range(3)}
    assert len(sizes) == 1
    assert 1000 < sizes.pop() < 10_000
    assert next_size([(3.0, 28.0)], 28.0, most=10**6, least=128) is None
    assert trials == [(3.0, 28.0), (4.0, 36.0)]
