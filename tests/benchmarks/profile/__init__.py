"""Tests of benchmarks/profile."""
