"""Adversarial training of the generator (section 3.1)."""
