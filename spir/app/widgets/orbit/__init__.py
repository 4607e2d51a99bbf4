"""The object turned on its stand."""
