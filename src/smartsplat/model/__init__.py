"""The data model: splats, the lattice under them, and what an encoding gave."""
