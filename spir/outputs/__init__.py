"""What a visitor takes home: views, meshes, files, panels, edits and the record of the run."""
