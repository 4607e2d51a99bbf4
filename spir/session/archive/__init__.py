"""A session as one ZIP: written, checked and read back."""
