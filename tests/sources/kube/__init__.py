"""Tests of the reflector and of the credentials."""
