"""``python -m smartsplat``."""

from smartsplat.cli import main

main()
