"""Build the widgets of the page, one folder each with its Python, JavaScript and style."""
