"""Tests mirror the tree of the package. A package themselves, so that shared test objects can be imported."""
