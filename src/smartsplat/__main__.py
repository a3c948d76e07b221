"""``python -m smartsplat``."""

if __name__ == "__main__":  # processes that are begun for a batch import this as well
    try:
        from smartsplat.cli import main
    except KeyboardInterrupt:
        raise SystemExit(130) from None

    main()
