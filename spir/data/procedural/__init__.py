"""Cameras, backgrounds and scenes around the formulas of objects."""
