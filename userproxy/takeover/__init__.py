"""One userproxy takes over from another: an upgrade that refuses and cuts nothing.

In: a path, and a `Proxy` on each side. Over a Unix socket at the path flow what the old process has:
listening sockets, UDP flows, clients that wait; see `succession`. Up to the last question, `SERVING`, the old
one can go on as if nothing had been asked.
"""
