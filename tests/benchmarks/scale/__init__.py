"""Tests of benchmarks/scale."""
