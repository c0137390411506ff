"""Tests of benchmarks/soak."""
