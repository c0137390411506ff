"""Tests of benchmarks/leaks."""
