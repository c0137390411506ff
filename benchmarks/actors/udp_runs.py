"""UDP clients whose runs leave as QUIC senders send them: as one message, which the kernel cuts."""

from __future__ import annotations

import socket
import struct

from benchmarks.actors.udp_crowd import FIRST_SOURCE, HEADS, IP_PKTINFO, Crowd
from userproxy.dataplane.udp_slots import UDP_SEGMENT

__all__ = ["RunCrowd"]

_SOURCE = struct.Struct("=i4s4x")
"""``in_pktinfo``: interface, source, destination."""


class RunCrowd(Crowd):
    """As `Crowd`, save that each run is one call and one message (``UDP_SEGMENT``, udp(7))."""

    def __init__(self, address: tuple[str, int], flows: int, size_bytes: int, run: int) -> None:
        super().__init__(address, flows, size_bytes, run)
        self._address = address
        self._run = run
        self._flows = flows
        self._next_flow = 0
        self._segments = (socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", size_bytes))

    def send(self, count: int) -> int:
        """Send a run of the next client, if ``count`` has room for it; how many datagrams went."""
        if count < self._run:
            return 0
        flow, sequences, parts = self._next_flow, self.sequences, list[bytes]()
        for _ in range(self._run):
            parts += (HEADS.pack(flow, sequences.number(flow)), self.filler)
        source = _SOURCE.pack(0, (FIRST_SOURCE + flow).to_bytes(4, "big"))
        try:
            self.sock.sendmsg(
                parts, [(socket.IPPROTO_IP, IP_PKTINFO, source), self._segments], 0, self._address
            )
        except BlockingIOError:
            for _ in range(self._run):
                sequences.unsent(flow)
            return 0
        self._next_flow = (flow + 1) % self._flows
        return self._run
