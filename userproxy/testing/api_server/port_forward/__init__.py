"""Port-forward to Pods, as an API server, a kubelet and a container runtime do it between them.

In: upgraded requests, in each of three ways (`Way`): SPDY/3.1 in a WebSocket, SPDY/3.1 itself, and channels
of a WebSocket. Out: connections to the backends that annotations of Pods name, bytes both ways, and errors in
the words of those three. `PortForwards` owns all upgrades that are open; an upgrade owns its connections.
"""
