"""Photo collections as their makers distribute them, one file a layout; cameras are converted while
reading."""
