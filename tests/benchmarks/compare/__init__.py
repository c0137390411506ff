"""Tests of benchmarks/compare."""
