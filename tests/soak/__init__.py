"""The running app under load: many visitors at once, each of whose results is compared with that of a lone run."""
