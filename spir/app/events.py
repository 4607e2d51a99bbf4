"""How Gradio runs the page's events; none of them is an endpoint (those are in `api`)."""

INNER = {"api_visibility": "private", "show_progress": "hidden"}
LIGHT = {**INNER, "queue": False}
"""Of what answers at once."""
SOON = {**INNER, "concurrency_limit": None}
"""Of what answers at once, or refuses: only out of the queue does Gradio show the words of a refusal."""
HEAVY = {**INNER, "concurrency_id": "gpu", "concurrency_limit": 1}
"""Of whatever runs a network: one at a time on the whole server. Overlays would hide the pictures."""
BUSY = {**HEAVY, "show_progress": "minimal"}
"""The same where nothing is shown meanwhile."""
CUTTING = {**INNER, "preprocess": False, "concurrency_limit": 2}
"""Of what takes a file, which arrives as it was sent: Gradio would decode it first, and fail in its own words."""
