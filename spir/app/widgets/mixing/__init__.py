"""The grid of blends."""
