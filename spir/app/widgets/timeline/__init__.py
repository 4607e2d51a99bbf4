"""Show the steps of the inversion."""
