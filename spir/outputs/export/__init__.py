"""Meshes and textured surfaces as the bytes of files."""
