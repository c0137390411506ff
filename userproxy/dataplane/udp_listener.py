"""The UDP socket that clients know: it takes datagrams in, or lets the kernel refuse them (rule T8)."""

from __future__ import annotations

import logging
from _socket import socket as Socket

from userproxy.dataplane.binding import Bound
from userproxy.dataplane.service_port import ServicePort
from userproxy.dataplane.spreading import spread
from userproxy.dataplane.udp_sockets import accept_again, is_refusing, refuse, tune_listener

__all__ = ["UdpListener"]

logger = logging.getLogger(__name__)


class UdpListener:
    """A bound socket and what it does now. Whoever made it closes ``sock``."""

    __slots__ = ("_group_size", "_name", "_spread_over", "open", "sock", "taken")

    def __init__(self, bound: Bound) -> None:
        self._name = f"{bound.host}:{bound.port}"
        self._group_size = bound.group_size
        self._spread_over = 0
        self.sock: Socket = bound.sock
        self.open = not is_refusing(bound.sock)  # it may have been another process's before
        self.taken = False
        """It could not be opened again: its address belongs to another socket."""
        tune_listener(self.sock)

    def spread(self, service_port: ServicePort) -> None:
        """Each client meets one of the sockets that share the address, where affinity wants it (rule B2)."""
        spread_over = service_port.spread_over(self._group_size)
        if self.open and spread_over != self._spread_over:
            self._spread_over = spread_over
            spread(self.sock, spread_over)

    def refuse(self) -> None:
        """What is queued stays, and answers can leave."""
        self.taken = False
        try:
            refuse(self.sock)
            self.open = False
        except OSError as error:  # the address left this host: datagrams are dropped and counted instead
            logger.debug("refusing on %s failed: %s", self._name, error)

    def widen(self) -> None:
        """For a time in which nobody reads, more fits into the queue."""
        tune_listener(self.sock, waits=True)

    def look_again(self) -> None:
        """Whoever had the socket meanwhile may have made it refuse."""
        self.open = not is_refusing(self.sock)

    def narrow(self) -> None:
        if self.sock.fileno() >= 0:  # not closed meanwhile
            tune_listener(self.sock)

    def accept_again(self) -> None:
        try:
            accept_again(self.sock)
            self.open = True
            self.taken = False
        except OSError as error:
            self.taken = True
            logger.debug("listening again on %s failed: %s", self._name, error)
