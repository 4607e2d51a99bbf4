"""Textures the fitted object's surface with the photo's own detail, in layers that can be recoloured."""
