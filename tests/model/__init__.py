"""Pure tests of the values and of their decoding."""
