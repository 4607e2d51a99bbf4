"""Define the options with which Gradio runs the page's events; none of them is an endpoint (those are in
`api`).
"""

INNER = {"api_visibility": "private", "show_progress": "hidden"}
LIGHT = {**INNER, "queue": False}
"""The options of events that answer at once."""
SOON = {**INNER, "concurrency_limit": None}
"""The options of events that answer or refuse at once: Gradio shows a refusal's message only for queued
events."""
HEAVY = {**INNER, "concurrency_id": "gpu", "concurrency_limit": 1}
"""The options of events that run a network: one at a time on the whole server, without an overlay that would
hide the pictures."""
BUSY = {**HEAVY, "show_progress": "minimal"}
"""The options of events that run a network and show nothing meanwhile, with a progress display."""
CUTTING = {**INNER, "preprocess": False, "concurrency_limit": 2}
"""The options of events that take a file, which arrives as it was sent: Gradio would decode it first, and
report failures in its own words."""
