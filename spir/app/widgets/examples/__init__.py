"""The strip of examples."""
