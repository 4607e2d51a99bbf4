"""What a visitor can download: views, meshes, files, panels, edits and the record of the run."""
