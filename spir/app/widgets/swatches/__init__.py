"""The palette as colour fields."""
