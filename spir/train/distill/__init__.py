"""Distillation of a formula into the generator, without pictures."""
