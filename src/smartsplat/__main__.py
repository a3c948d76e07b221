"""``python -m smartsplat``."""

try:
    from smartsplat.cli import main
except KeyboardInterrupt:
    raise SystemExit(130) from None

main()
