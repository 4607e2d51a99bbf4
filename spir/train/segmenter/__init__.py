"""Training of the small segmenter that the app ships with."""
