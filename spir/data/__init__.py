"""Training data: procedural objects, meshes and photo collections. The app does not need this package."""
