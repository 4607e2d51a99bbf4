"""Camera poses of photo collections, bootstrapped from the encoder (section 3.2)."""
