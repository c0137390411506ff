"""Tests of benchmarks/forwarding."""
