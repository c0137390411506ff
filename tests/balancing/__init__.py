"""Tests of userproxy.balancing: pure, with scripted or seeded randomness and hand-moved time."""
