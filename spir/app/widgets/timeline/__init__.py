"""The steps of the inversion."""
