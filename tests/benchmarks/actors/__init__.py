"""Tests of benchmarks/actors."""
