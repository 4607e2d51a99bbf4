"""The page: photo in, steps live, object to turn, recolour and take home. The only room that knows gradio."""
