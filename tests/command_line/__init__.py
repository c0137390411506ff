"""The real process: arguments, output, files, signals and exit codes."""
