"""Small files that freeze the format, and what a decoder must make of them; ``make`` makes them."""
