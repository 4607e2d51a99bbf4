"""The networks and algorithms that find the object in a photo."""
