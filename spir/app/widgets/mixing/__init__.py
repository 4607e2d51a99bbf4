"""Show the grid of blends."""
