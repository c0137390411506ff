"""Tests of benchmarks/costs."""
