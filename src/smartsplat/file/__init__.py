"""The `.ssplat` file as an object, and what it says of itself."""
