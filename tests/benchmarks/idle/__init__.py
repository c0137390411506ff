"""Tests of benchmarks/idle."""
