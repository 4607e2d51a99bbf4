"""The result over the photo, with camera sliders."""
