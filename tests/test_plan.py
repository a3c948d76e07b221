"""What is settled before anything is fitted: the bytes of the sections, and what they are for."""

import math
from dataclasses import FrozenInstanceError

import pytest

from smartsplat.coding.container import Container
from smartsplat.coding.format import EXIF, ICC, LATTICE, SPLATS
from smartsplat.errors import TargetError
from smartsplat.pipeline.budget import GREATEST_EXIF_SHARE, Envelope
from smartsplat.pipeline.plan import BYTES_PER_SPLAT, entry_bytes, plan_for, spacing_for
from smartsplat.pipeline.search import CLOSE_ENOUGH, MOST_TRIALS, START_CR, next_size, smallest_reaching

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
        assert plan.count == int(budget / BYTES_PER_SPLAT[grey])


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
    assert [plan.left_for_lattice(spent) for spent in (350, 300, 1000)] == [
        650 - 7, 700 - 7, -7
    ]  # fmt: skip


@pytest.mark.parametrize("length", [1, 127, 128, 16383, 16384, 10**6])
def test_what_a_second_section_takes(length):
    around = envelope()
    one, two = (len(around.container(b"", lattice).to_bytes()) for lattice in (None, bytes(length)))
    assert entry_bytes(length) == two - one - length


def test_there_is_at_least_one_splat_and_at_most_one_a_pixel():
    assert plan_for(PIXELS, 1, 1.0, grey=False).count == 1
    assert plan_for(50, 10**6, 1.0, grey=False).count == 50


def test_plans_are_values():
    plan = plan_for(PIXELS, 1000, 0.35, grey=False)
    assert plan == plan_for(PIXELS, 1000, 0.35, grey=False)
    with pytest.raises(FrozenInstanceError):
        plan.budget = 5


# From bytes of the file to those of the sections


@pytest.mark.parametrize("metadata", [{}, METADATA], ids=["bare", "metadata"])
@pytest.mark.parametrize("size", [(1, 1), (96, 64), (20_000, 300)], ids=str)
def test_sections_of_the_budget_fill_the_file(metadata, size):
    around = envelope(metadata, size)
    for file_budget in [*range(250, 450), 1000, 16_600, 16_700, 300_000]:
        budget = around.section_budget(file_budget)
        # One byte more would be too many, but for where the number of them takes another byte.
        assert len(around.container(bytes(budget)).to_bytes()) <= file_budget
        assert len(around.container(bytes(budget + 2)).to_bytes()) > file_budget


def test_budgets_too_small_for_a_splat_are_refused():
    with pytest.raises(TargetError, match="least possible size is") as caught:
        envelope().section_budget(10)
    least = int(str(caught.value).split()[-2])
    assert envelope().section_budget(least) > 0
    with pytest.raises(TargetError, match="190 of them metadata"):
        envelope(METADATA).section_budget(least)


def test_containers_are_new_ones_and_leave_the_envelope_as_it_was():
    around = envelope(METADATA)
    one, two = around.container(b"splats", b"lattice"), around.container(b"others")
    assert one.sections == METADATA | {SPLATS: b"splats", LATTICE: b"lattice"}
    assert two.sections == METADATA | {SPLATS: b"others"}
    assert list(Container.from_bytes(one.to_bytes()).sections) == [ICC, EXIF, SPLATS, LATTICE]
    assert around == envelope(METADATA)
    assert around.metadata_bytes == 190


def test_exif_beyond_its_share_is_left_out():
    around, most = envelope(METADATA), int(40 / GREATEST_EXIF_SHARE)
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
