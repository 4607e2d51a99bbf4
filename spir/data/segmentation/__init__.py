"""What the small segmenter learns from."""
