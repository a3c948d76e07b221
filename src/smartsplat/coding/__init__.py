"""From splats to bytes and back; SPEC.md in this folder describes the bytes."""
