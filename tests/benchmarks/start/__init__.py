"""Tests of benchmarks/start."""
