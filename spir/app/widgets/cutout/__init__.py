"""Show the cut-out, with a brush to edit its mask."""
