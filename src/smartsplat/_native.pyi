"""The extension module; the C++ sources are in native/."""

from typing import Any

def __getattr__(name: str) -> Any: ...
