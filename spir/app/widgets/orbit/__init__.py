"""Show the object from all sides."""
