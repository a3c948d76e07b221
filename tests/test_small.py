"""Pictures of up to a megapixel: whole compositions, the lattice alone always among them, and few splats with care."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

import smartsplat
from smartsplat.engines import Loss, load_engine
from smartsplat.fitting import fit as fitting
from smartsplat.fitting.schedule import EFFORTS, Effort, Stage, stages
from smartsplat.pictures.planes import to_planes
from smartsplat.pipeline import encode as encoding
from smartsplat.pipeline import small
from smartsplat.pipeline.compose import bare_spectrum, compose, is_careful
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.options import Options
from smartsplat.pipeline.plan import plan_for
from smartsplat.pipeline.small import FEW, MANY, SOME, is_small, of_small, share_for
from smartsplat.pipeline.stages import fit_splats
from tests.photos import photo


def job_of(pixels, effort=3, **settings):
    return Job(to_planes(pixels), False, load_engine(), effort, **settings)


class Trials:
    """Compositions with known errors: of a lattice alone, of a hasty fit, of what follows."""

    def __init__(self, monkeypatch, alone, hasty, others=1):
        self.tried, self.effort, self.errors = [], None, (alone, hasty, others)
        monkeypatch.setattr(small, "compose", self)

    def __call__(self, job, plan, bare=None):
        alone, hasty, others = self.errors
        self.tried.append((round(plan.splat_budget / plan.budget, 2), job.effort))
        cost = (alone, hasty)[len(self.tried) - 1] if len(self.tried) < 3 else others
        return SimpleNamespace(error=math.nan, cost=cost, length=1)


@pytest.mark.parametrize(
    ("hasty", "share"), [(0.9, MANY), (1.16, MANY), (1.18, SOME), (1.34, SOME), (1.36, FEW), (1.46, 0)]
)
def test_the_worse_a_hasty_fit_of_many_the_fewer_splats_are_fitted(monkeypatch, hasty, share):
    trials = Trials(monkeypatch, 100, 100 * hasty)
    found = list(of_small(job_of(photo(256, 192), 5), 7000))
    assert trials.tried == [(0, 5), (MANY, 2)] + ([(share, 5)] if share else [])
    assert len(found) == len(trials.tried)


def test_in_few_bytes_some_are_tried_beside_many(monkeypatch):
    trials = Trials(monkeypatch, 100, 100)
    list(of_small(job_of(photo(256, 192), 5), 4000))
    assert [share for share, _ in trials.tried] == [0, MANY, SOME, MANY]


def test_in_very_few_bytes_splats_are_tried_without_a_lattice(monkeypatch):
    trials = Trials(monkeypatch, 100, 100)
    list(of_small(job_of(photo(256, 192), 5), 3000))
    assert [share for share, _ in trials.tried] == [0, MANY, SOME, 1, MANY]


def test_an_exact_lattice_is_left_alone():
    assert share_for(5.0, 0.0) == share_for(0.0, 0.0) == 0


@pytest.mark.parametrize(("effort", "tried"), [(3, 3), (6, 3), (7, 4), (8, 5), (9, 6)])
def test_more_effort_tries_more_shares(monkeypatch, effort, tried):
    trials = Trials(monkeypatch, 100, 100)
    list(of_small(job_of(photo(256, 192), effort), 7000))
    shares = [share for share, _ in trials.tried]
    assert len(shares) == tried
    assert len(set(shares[2:])) == tried - 2
    assert all(spent == effort for _, spent in trials.tried[2:])


@pytest.mark.parametrize(
    ("size", "effort", "budget", "expected"),
    [
        ((256, 192), 3, 3000, True),
        ((256, 192), 2, 3000, False),  # a lattice alone
        ((256, 192), 3, 999, False),  # splats alone
        ((256, 192), 3, 25000, False),  # above 4 bits a pixel
        ((180, 180), 3, 3000, False),  # tiny
        ((1100, 1000), 3, 30000, False),
    ],
)
def test_where_shares_are_tried_on_the_whole_picture(size, effort, budget, expected):
    assert is_small(job_of(photo(*size, 0, 0), effort), budget) is expected


def test_what_is_written_is_the_best_of_them_and_never_worse_than_a_lattice_alone():
    pixels, budget = photo(256, 192), 3000
    job = job_of(pixels)
    found = list(of_small(replace(job, small=True), budget))
    plan = plan_for(job.pixels, budget, 0.0, grey=False)
    assert found[0].error == compose(job, plan, bare_spectrum(job, 1)).error
    chosen = encoding._of_size(job, budget, Options())
    assert chosen.error == min(composition.error for composition in found) <= found[0].error


def test_files_are_the_same_with_any_number_of_threads():
    files = {smartsplat.encode(photo(256, 192), cr=50, effort=3, threads=threads).to_bytes() for threads in (1, 3)}
    assert len(files) == 1


# Few splats, fitted with care


@pytest.mark.parametrize(
    ("share", "is_small_one", "careful"), [(0.35, True, True), (0.5, True, False), (0.35, False, False)]
)
def test_care_is_for_few_splats_where_there_is_time(share, is_small_one, careful):
    job = job_of(photo(256, 192), 5, small=is_small_one)
    assert is_careful(job, plan_for(job.pixels, 3000, share, grey=False)) is careful


@pytest.mark.parametrize(("coarsest", "levels"), [(0, [0]), (1, [1, 0]), (2, [2, 1, 0]), (4, [4, 3, 2])])
def test_care_adds_steps_on_a_finer_level_where_there_is_one(coarsest, levels):
    effort = Effort(40, 10, 2, 1, 1000, finest=7)
    careful = stages(effort, coarsest, 1.0, careful=True)
    assert [stage.level for stage in careful] == levels
    assert stages(effort, coarsest, 1.0) == careful[:2]
    assert len(careful) < 3 or careful[2] == Stage(coarsest - 2, 7)


def test_each_effort_has_no_fewer_steps_there_than_the_one_before():
    steps = [effort.finest for effort in EFFORTS.values()]
    assert steps == sorted(steps)
    assert steps[2] > 0


@pytest.mark.parametrize(("careful", "loss", "newton"), [(False, "l2", 1), (True, "l1", 4)])
def test_care_takes_absolute_errors_and_more_gauss_newton_steps(monkeypatch, careful, loss, newton):
    losses, moves, step = [], [], fitting.newton_step
    monkeypatch.setattr(fitting, "Loss", lambda kind: losses.append(kind) or Loss(kind))
    monkeypatch.setattr(fitting, "newton_step", lambda *args, **kwargs: moves.append(1) or step(*args, **kwargs))
    found = fit_splats(job_of(photo(120, 90)), 40, lattice_follows=True, careful=careful)
    assert loss in losses
    assert ("l1" in losses) is careful
    assert len(moves) == newton
    assert len(found.splats) == 40


def test_few_splats_with_care_leave_a_lattice_less():
    """At equal bytes, under the lattice that follows: the mean of three cuts."""
    gains = []
    for left in (0, 700, 1400):
        job = job_of(photo(256, 192, left, 500), 5)
        plan = plan_for(job.pixels, 2500, SOME, grey=False)
        errors = [
            compose(Job(job.planes, False, job.engine, 5, small=careful), plan).error for careful in (False, True)
        ]
        gains.append(errors[1] / errors[0])
    assert sum(gains) / 3 < 0.99
