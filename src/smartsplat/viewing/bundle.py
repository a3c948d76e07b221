"""Modules of JavaScript as one script, for pages that can load no others, such as those opened from disk.

It knows the forms of import and export that the modules in ``web`` use, and refuses others.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w.]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:class|function|const) (\w+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?://.*|/\*\*(?:.|\n)*?\*/)\n", re.MULTILINE)
_BLANK = re.compile(r"\n\s*\n+")


def bundle(entry: str, read: Callable[[str], str]) -> str:
    """One script that does what a module does, and puts what it exports into ``smartsplat``.

    Args:
        entry: name of the module.
        read: gives the text of a module.

    Raises:
        ValueError: a module imports or exports in another way than these do, or in a circle.
    """
    order: list[str] = []
    _visit(entry, read, order, ())
    parts = "\n".join(f'modules["{name}"] = {_closed(name, read(name))};' for name in order)
    start, end = (
        '(() => {\n"use strict";\nconst modules = {};\n',
        f'\nglobalThis.smartsplat = modules["{entry}"];\n}})();\n',
    )
    return start + parts + end


def _visit(name: str, read: Callable[[str], str], order: list[str], path: tuple[str, ...]) -> None:
    """Puts a module behind those that it imports."""
    if name in path:
        raise ValueError(f"{' imports '.join((*path, name))}")
    if name not in order:
        for _, other in _IMPORT.findall(read(name)):
            _visit(other, read, order, (*path, name))
        order.append(name)


def _closed(name: str, text: str) -> str:
    """A module as a function that is called, and returns what it exports."""
    text = _COMMENT.sub("", text).replace("import.meta.url", "location.href")
    exported = [found[1] for found in _EXPORT.findall(text)]
    text = _IMPORT.sub(lambda found: f'const {{{found[1].replace(" as ", ": ")}}} = modules["{found[2]}"];', text)
    text = _EXPORT.sub(r"\1", text)
    if other := _OTHER.search(text):
        raise ValueError(f"{name}: {other[0]!r} cannot be bundled")
    return f"(() => {{\n{_BLANK.sub(chr(10), text).strip()}\nreturn {{ {', '.join(exported)} }};\n}})()"
