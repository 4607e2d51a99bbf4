"""Folders of photos: many jobs, each done once, by this process, by several, or by a cluster."""
