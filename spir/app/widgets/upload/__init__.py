"""Show the photo input."""
