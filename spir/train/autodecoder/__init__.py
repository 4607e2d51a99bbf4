"""Autodecoder training: the generator is fitted to photos by reconstructing them."""
