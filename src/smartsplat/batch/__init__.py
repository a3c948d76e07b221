"""Many pictures at once: which, by whom, and what came of it."""
