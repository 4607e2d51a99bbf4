"""The cut-out with its brush."""
