"""Plain decoders of the streams in Python, written from SPEC.md: the tests compare the native ones with them."""
