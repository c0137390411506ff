"""Dialling pods through the API server, as ``kubectl port-forward`` does: thin I/O around `userproxy.spdy`.

In: dials of the data plane for endpoints with a Pod (`PodForwarder` is its `PodDialler`), and the
`Connection` that the source uses too. Out: one end of a socketpair for each connection. Upgraded connections
to the API server are made when they are wanted, shared by up to 32 connections each, and closed when idle.
Nothing here creates an object in the cluster.

`forwarder` owns everything, `pod` the upgrades of one pod, `making` and `handshake` make one, `upgrade` and
`channels` are the two kinds of them, `wire` moves their bytes, `pair` is one connection. `error_text`,
`websocket` and `refusals` are pure.
"""

from userproxy.portforward.forwarder import PodForwarder
from userproxy.portforward.limits import ForwardLimits, HalfClose

__all__ = ["ForwardLimits", "HalfClose", "PodForwarder"]
