"""Worker processes: the data plane on more than one core.

In: what `Proxy` tells a data plane. Out: the same answers, added up. The parent owns every listening socket
and derives what goes where (`fleet`); each worker is a process of its own that runs a `DataPlane` on
duplicates of those sockets (`worker`). Between the two is a socketpair with framed messages.
"""
