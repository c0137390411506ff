"""Tests of the pure room that makes routes out of objects."""
