"""Tests of benchmarks/forwarding/loads."""
