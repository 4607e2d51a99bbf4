"""Show the result over the photo, with sliders for the camera."""
