"""The command line: parses, calls the library, prints."""

from smartsplat.cli.parser import main

__all__ = ["main"]
