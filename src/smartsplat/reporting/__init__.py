"""A sheet about a file: what it shows, what it lost, what it is made of. Loaded when it is asked for."""
