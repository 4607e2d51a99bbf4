"""Training of the encoder and the data set that it learns from (section 3.2)."""
