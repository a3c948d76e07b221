"""Picture files and arrays: pixels, samples, colour profiles and metadata, and files that appear whole."""
