"""The photo's own detail on the surface of the object that was found in it, in layers that can be recoloured."""
