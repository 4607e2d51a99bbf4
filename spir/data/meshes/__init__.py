"""Triangle meshes from files: reading, painting and photographing them."""
