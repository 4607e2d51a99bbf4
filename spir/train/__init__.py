"""Every stage of training, as commands that resume. The app does not need this package."""
