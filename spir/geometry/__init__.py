"""Rotations, poses, cameras, rays and the density function. No networks."""
