"""Run the process around the page: queue, log, clean-up, routes and health."""
