"""Names of what is served."""
