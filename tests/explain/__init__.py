"""Tests of the rows, notes and text that say why traffic goes where it goes."""
