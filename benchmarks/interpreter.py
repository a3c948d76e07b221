"""Triton's interpreter, sooner."""

from __future__ import annotations

from typing import Any


class _Stays:
    def restore(self) -> None:
        """Nothing: what is in place stays there."""


def patch_once() -> None:
    """Puts the interpreter's functions in the place of the language's once, not at every call: a quarter of the time.

    Where Triton works otherwise this changes nothing. For processes that compile nothing.
    """
    from triton.runtime import interpreter

    patch, done = getattr(interpreter, "_patch_lang", None), set()
    if patch is None:
        return

    def once(function: Any) -> _Stays:
        languages = (interpreter.tl, interpreter.tl.core)
        seen = frozenset(id(value) for value in function.__globals__.values() if any(value is tl for tl in languages))
        if seen not in done:
            patch(function)
            done.add(seen)
        return _Stays()

    interpreter._patch_lang = once
