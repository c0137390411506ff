"""Small servers that say who answered: TCP echo, HTTP and UDP, in this process or in one of their own.

In: connections and datagrams. Out: answers that name the backend, and counters. Each is an async context
manager that owns its sockets; inside the block it can be told to refuse, reset or stall, and to come back
on the same port. ``python -m userproxy.testing.backends http --name a`` runs one from a shell.
"""

from userproxy.testing.backends.http import HttpBackend
from userproxy.testing.backends.process import BackendProcess
from userproxy.testing.backends.stream import StreamBackend
from userproxy.testing.backends.tcp import TcpEcho
from userproxy.testing.backends.udp import UdpEcho

__all__ = ["BackendProcess", "HttpBackend", "StreamBackend", "TcpEcho", "UdpEcho"]
