"""The photo input."""
