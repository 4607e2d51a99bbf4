"""A photo and what came of it, as a frozen value, and the actions that make the next one; knows no Gradio."""
