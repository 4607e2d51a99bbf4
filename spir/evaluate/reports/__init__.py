"""Writes results as tables and contact sheets."""
