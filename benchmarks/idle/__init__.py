"""What idle connections cost: resident memory of a proxy for each that is open and does nothing.

In: peers, a number of connections. Out: bytes for each connection, by peer and round. Clients are in this
process, proxy and backend in others. What the kernel keeps for sockets is no part of it.
"""
