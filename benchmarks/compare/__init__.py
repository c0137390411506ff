"""``python -m benchmarks compare``: two result files, and which differences exceed the noise.

Where both files have the same reference peer, ratios to it are compared, so that a slower machine or hour
falls out; absolute processor time otherwise.
"""
