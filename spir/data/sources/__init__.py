"""Photo collections as their makers distribute them, one file a layout; cameras converted at the door."""
