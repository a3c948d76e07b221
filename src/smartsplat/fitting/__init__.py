"""From a picture and an initialisation to fitted splats."""
