"""What the networks learn from: procedural objects and photo collections. Never shipped with the app."""
