"""Worker processes: the pure parts as tables, the rest with real processes on loopback."""
