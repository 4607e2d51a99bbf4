"""Handle the events of the page: every handler takes widget values and returns widget values."""
