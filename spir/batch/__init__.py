"""Process folders of photos as jobs, each done once: in this process, in several, or on a cluster."""
