"""Show the mesh in two viewers."""
