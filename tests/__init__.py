"""Tests mirror the package folder by folder."""
