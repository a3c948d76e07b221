"""A progress bar with the time left, on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(title: str, *, quiet: bool) -> Iterator[Callable[[float], None]]:
    """Gives a function that shows the part of the work that is done, 0 to 1; silent if no terminal watches."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    from tqdm import tqdm

    form = "{desc} {percentage:3.0f}% |{bar}| {elapsed} done, {remaining} left"
    with tqdm(desc=title, total=1.0, file=sys.stderr, leave=False, bar_format=form) as shown:

        def update(done: float) -> None:
            if done < shown.n:
                shown.reset()
            shown.update(done - shown.n)

        yield update
