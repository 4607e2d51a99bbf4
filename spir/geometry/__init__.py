"""Space itself: rotations, poses, cameras, rays and the density law. No networks."""
