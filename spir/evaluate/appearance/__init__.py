"""Evaluates objects textured with their photo's detail, always compared with the volume rendering of the same fit."""
