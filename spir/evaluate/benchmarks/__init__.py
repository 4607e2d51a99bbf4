"""The single evaluations, one file for each kind of truth."""
