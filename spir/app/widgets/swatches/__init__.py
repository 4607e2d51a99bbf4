"""Show the palette as colour fields."""
