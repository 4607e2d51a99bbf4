"""Show the verdict on a fit."""
