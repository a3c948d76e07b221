"""Cells: a picture, a method and a compression ratio each, measured once and kept as rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from smartsplat.bench.measure import Subject, circumstances
from smartsplat.bench.methods.alone import Errand, measure_alone
from smartsplat.bench.methods.interface import Method
from smartsplat.bench.methods.make import make_method
from smartsplat.bench.methods.measure import NOTHING, Extras, guarded, measure
from smartsplat.bench.methods.names import is_classical
from smartsplat.bench.methods.smartsplats import AUTO
from smartsplat.bench.rows import OK, Row, RowFile
from smartsplat.pictures import picture

_KEY = ("image", "sha256", "method", "settings", "versions", "cr")


def cell_key(row: Row) -> str:
    """What identifies a measurement: two rows of equal keys measure the same."""
    return json.dumps([row[name] for name in _KEY], sort_keys=True)


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
        paths: picture files.
        methods: names, see ``methods.names``.
        crs: compression ratios.
        steps: of the fits that have a number of steps.
        seed: of all that is random.
        threads: of each method.
        max_pixels: larger pictures are refused.
        stale: whether the row of a cell that is there does not count.
        alone: whether classical codecs have processes of their own as well.
        extras: what is recorded of a cell beside its figures.
        engine: of SmartSplat.
    """

    paths: Sequence[Path]
    methods: Sequence[str]
    crs: Sequence[float]
    steps: int
    seed: int = 0
    threads: int = 1
    max_pixels: int = picture.DEFAULT_MAX_PIXELS
    stale: Callable[[Row], bool] = lambda _: False
    alone: bool = False
    extras: Callable[[Row], Extras] = lambda _: NOTHING
    engine: str = AUTO

    def made(self) -> dict[str, Method]:
        """The methods by their names.

        Raises:
            MissingExtraError: the library of one is not installed.
        """
        options = {"steps": self.steps, "seed": self.seed, "threads": self.threads}
        made = [make_method(name, engine=self.engine, **options) for name in self.methods]
        return {method.name: method for method in made}

    def circumstances(self) -> Row:
        """When, with what code and on what machine rows are measured; with the card where one is asked for."""
        here = circumstances(self.threads)
        if self.engine != "cuda":
            return here
        from smartsplat.engines.cuda import card_name

        return here | {"machine": f"{here['machine']}, {card_name()}"}

    def errand(self, path: Path, identity: Row) -> Errand:
        """What measures a cell of a picture."""
        return Errand(
            path.absolute(), self.max_pixels, identity["method"], identity["cr"], self.steps, self.seed, self.threads,
            self.extras(identity), self.engine,
        )  # fmt: skip


def timed_here(plan: Plan) -> Plan:
    """The same, where rows of another machine or number of threads do not count: their times do not compare."""
    here = plan.circumstances()["machine"]
    return replace(plan, stale=lambda row: plan.stale(row) or row["machine"] != here)


def measure_cells(plan: Plan, rows: RowFile, report: Callable[[Row], None] = lambda _: None) -> list[Row]:
    """Measures what ``rows`` does not have, and appends it cell by cell.

    Classical codecs run in this process, everything else in one of its own, which may fail: the row then says why.

    Args:
        plan: what is wanted.
        rows: grows.
        report: called with every new row.

    Returns:
        The plan's cells, one row each, those measured before among them.

    Raises:
        MissingExtraError: a method's library is not installed; nothing was measured.
        PictureError: a picture cannot be read.
    """
    methods = plan.made()
    found = {cell_key(row): row for row in rows.rows}
    wanted = []
    for path in plan.paths:
        subject = Subject.load(path, plan.max_pixels)
        for identity in _identities(subject, methods.values(), plan):
            key = cell_key(identity)
            wanted.append(key)
            if key in found and not plan.stale(found[key]):
                continue
            measured = _measured(plan, path, subject, methods[identity["method"]], identity)
            found[key] = identity | measured | plan.circumstances()
            rows.append(found[key])
            report(found[key])
    return [found[key] for key in dict.fromkeys(wanted)]


def _measured(plan: Plan, path: Path, subject: Subject, method: Method, identity: Row) -> Row:
    """In this process where a method keeps what it knows of a picture for other ratios."""
    if plan.alone or not is_classical(method.name):
        return measure_alone(plan.errand(path, identity))
    return guarded(lambda: measure(subject.pixels, method, identity["cr"], plan.extras(identity), threads=plan.threads))


def _identities(subject: Subject, methods: Iterable[Method], plan: Plan) -> Iterator[Row]:
    height, width = subject.pixels.shape[:2]
    for method in methods:
        for cr in plan.crs:
            yield {
                "image": subject.name, "width": width, "height": height, "sha256": subject.sha256,
                "method": method.name, "settings": dict(method.settings), "versions": dict(method.versions),
                "cr": cr, "seed": plan.seed,
            }  # fmt: skip


def progress_line(row: Row) -> str:
    """A new row for a person."""
    head = f"{row['image']}, CR {row['cr']:g}, {row['method']}"
    if row["status"] != OK:
        return f"{head}: {row['status']}"
    quality = "exact" if row["psnr"] is None else f"{row['psnr']:.2f} dB"
    splats = "" if row["splats"] is None else f"{row['splats']} splats, "
    return f"{head}: {quality}, {splats}real CR {row['cr_real']:.1f}, {row['total_seconds']:.2f} s"
