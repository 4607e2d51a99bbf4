"""The two tables of the paper on its own test sets (section 4)."""
