"""Show steps 0, 10 and 30 side by side."""
