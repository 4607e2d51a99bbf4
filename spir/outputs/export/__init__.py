"""Exports meshes and textured surfaces to file formats, as bytes."""
