"""The page's examples: their scenes and how they are made."""
