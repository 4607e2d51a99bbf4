"""The process around the page: queue, log, clean-up, routes and health."""
