"""Every example is run as a reader would run it."""
