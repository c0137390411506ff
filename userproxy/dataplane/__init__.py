"""Sockets: listening, dialling, relaying TCP, forwarding UDP, limits, draining, counters.

In: differences of routes, by `plane.DataPlane.apply`. Out: bytes between clients and endpoints, a
snapshot of what is open, and problems. A byte's way: ``engine`` (readiness) -> ``listener`` (accept) ->
``connection`` (hold, dial, retry) -> ``relay`` (both ways, to the end). The plane owns the service ports,
a service port owns its intake and its connections, a connection owns its two sockets. All of it runs in
one thread, that of the event loop.
"""
