"""Fitting the generator to photos by reconstructing them."""
