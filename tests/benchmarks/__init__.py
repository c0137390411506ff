"""The benchmarks: pure parts by tables, actors on real sockets, and one tiny run of each mode."""
