"""Tests of benchmarks/pure."""
