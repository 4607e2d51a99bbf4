"""§4 and §5: the numbers of the tables, measured through the pipeline that a visitor uses."""
