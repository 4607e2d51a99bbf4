"""The examples of the page: their scenes and their making."""
