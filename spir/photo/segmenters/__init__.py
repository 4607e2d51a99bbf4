"""The networks and algorithms that segment the object in a photo."""
