"""Define the session (a photo and its results as a frozen value) and the actions that return the next one,
without Gradio.
"""
