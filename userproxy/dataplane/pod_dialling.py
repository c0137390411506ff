"""The seam for endpoints that are reached through something else than a connect of our own: their pods.

A `PodDialler` gives a socket before anybody can know whether the pod takes the connection. So a dial is
provisional: what the client sent is kept until the pod has answered, and when nothing of it was delivered,
the connection chooses again and the same socket leads to another pod. The relay sees none of this.
"""

from __future__ import annotations

from _socket import socket as Socket
from collections.abc import Mapping
from typing import Protocol

from userproxy.dataplane.descriptors import Descriptors
from userproxy.dataplane.engine import Engine
from userproxy.model.names import NamespacedName
from userproxy.model.routes import Endpoint

__all__ = ["PodCaller", "PodDial", "PodDialler"]


class PodCaller(Protocol):
    """Who dials: a connection. It may be called before `PodDialler.dial` or `PodDial.redial` returns."""

    def forwarded(self, dial: PodDial, sock: Socket | None) -> None:
        """There is a way to the pod, whether or not it takes the connection.

        ``sock`` is non-blocking and the caller's from now on; None at a redial: it has it already.
        """
        ...

    def reached(self) -> None:
        """The pod has answered."""
        ...

    def undelivered(self, error: OSError) -> None:
        """This pod cannot be reached, and nothing was delivered to it: another one may be dialled."""
        ...

    def broken(self, error: OSError) -> None:
        """The way broke, and it is not known what the pod has got. What came from it is in the socket."""
        ...


class PodDial(Protocol):
    """A way to a pod, under way or open."""

    @property
    def timeout_s(self) -> float | None:
        """How long to wait for `PodCaller.forwarded`; None: as rule B4 says."""
        ...

    def cancel(self) -> None:
        """Stop reaching for this pod, before `PodCaller.forwarded`; the caller is told nothing more of it."""
        ...

    def redial(self, endpoint: Endpoint, pod: NamespacedName) -> bool:
        """After `PodCaller.undelivered`, once a socket was given: what the client sent goes to ``pod``.

        False: the caller was told already what has become of it.
        """
        ...

    def over(self, *, clean: bool) -> None:
        """The connection has ended, and the socket with it; ``clean``: both sides ended it in order."""
        ...


class PodDialler(Protocol):
    """From a pod's endpoint to a socket that leads there."""

    def attach(self, engine: Engine, descriptors: Descriptors) -> None:
        """Called once by the data plane that will dial, before it does."""
        ...

    def dial(self, endpoint: Endpoint, pod: NamespacedName, caller: PodCaller) -> PodDial | None:
        """Start; None: ``caller`` was told already what has become of it."""
        ...

    def counts(self) -> Mapping[str, int]:
        """What has happened so far, by name."""
        ...

    def stopping(self) -> None:
        """No new connections come, and the stop waits for those that are open."""
        ...
