"""Show the strip of examples."""
