"""The mesh viewers."""
