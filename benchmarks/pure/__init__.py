"""What the pure parts cost, without traffic: choosing, swapping, decoding, deriving, and memory.

Each part gives cases: one operation, at one size, that can be repeated. In: nothing but the package. Out:
operations per second of processor time by round, and bytes per Service.
"""
