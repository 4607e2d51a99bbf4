"""The workshop: every stage of training, as commands that resume. Never shipped with the app."""
