"""§4 and §5: the metrics of the tables, measured through the same pipeline that a user runs."""
