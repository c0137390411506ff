"""The relay: bytes both ways between two connected sockets, until both directions have ended.

A byte's whole story: an edge says that a side is readable. Small messages are read into one shared
buffer and sent to the peer at once; what the peer does not take waits in `Side.waiting`, and nothing
more is read from that side until it is gone, so a client that stops reading stops its endpoint. A
direction that keeps filling the buffer moves to a pipe and ``splice(2)``, and back when it turns chatty.
A FIN is passed on behind the last byte. A reset is passed on too, after what was received has been
handed over (rule C2).

The relay owns both sockets from its construction on and closes each once, through the engine.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from userproxy.dataplane.closing import Phase, Who
from userproxy.dataplane.engine import ERR, HUP, IN, LARGE_READ_BYTES, OUT, RDHUP, Engine
from userproxy.dataplane.kernel_counts import kernel_counts, taken_bytes
from userproxy.dataplane.pipes import SIZE_BYTES, Pipe, PipePool
from userproxy.dataplane.side import Side
from userproxy.dataplane.sockets import unpace_on_loopback

__all__ = ["Relay"]

BUFFER_BYTES = 64 * 1024
"""One shared buffer; it also bounds what can wait for one peer: 128 KiB a connection both ways."""
FULL_READS_TO_SPLICE = 4
CHATTY_BYTES = 16 * 1024
SMALL_READS_TO_COPY = 8
TURN_BYTES = 1 << 20
"""A direction that moved so much lets others have their turn."""
EDGES_TO_FAST = 4
"""Who asks once and leaves (request, answer, two FINs) pays nothing for the fast path."""
_ENDS = RDHUP | ERR | HUP
_BOTH, _OVER = Who.BOTH, Phase.OVER
"""Looking up a member of an enumeration costs as much as a system call's entry."""
_SPLICE_FLAGS = os.SPLICE_F_NONBLOCK | os.SPLICE_F_MOVE

_buffer = bytearray(BUFFER_BYTES)
_view = memoryview(_buffer)


class Relay:
    """A pair. ``over(who, phase)`` is called once, when both sockets are given back to be closed."""

    __slots__ = (
        "_edges", "_engine", "_fast", "_is_over", "_over", "_pipes", "_uncounted", "client", "endpoint",
    )  # fmt: skip

    def __init__(
        self,
        engine: Engine,
        pipes: PipePool,
        client: Side,
        endpoint: Side,
        over: Callable[[Who, Phase], None],
    ) -> None:
        self._engine = engine
        self._pipes = pipes
        self._over = over
        self._edges = 0
        self._fast = False
        self._uncounted = False
        """It was on the fast path since the kernel was asked what it had forwarded."""
        self._is_over = False
        self.client = client
        self.endpoint = endpoint
        client.relay = endpoint.relay = self
        client.peer = endpoint
        client.peer_fd = endpoint.fd
        endpoint.peer = client
        endpoint.peer_fd = client.fd

    def start(self, client_mask: int, endpoint_mask: int) -> None:
        """Begin with what readiness said before both sides were connected."""
        client, endpoint = self.client, self.endpoint
        self._engine.hand_over(client.fd, client)
        self._engine.watch(endpoint.fd, endpoint)
        self.ready(client, client_mask)
        # That it was writable is known by now; when it takes no more, a new edge will tell.
        if endpoint_mask != OUT and not self._is_over:
            self.ready(endpoint, endpoint_mask)

    @property
    def phase(self) -> Phase:
        half = self.client.ended or self.endpoint.ended
        return Phase.HALF_CLOSED if half else Phase.TRANSFERRING

    def ready(self, side: Side, mask: int) -> None:
        """An edge on ``side``."""
        if self._is_over:
            return
        if self._fast:
            self._leave_fast_table()
        peer = side.peer
        if mask & _ENDS:
            if mask & RDHUP:
                side.hung_up = True
            # HUP alone also marks a normal end: this side's FIN came, and we sent ours (rule C2).
            if mask & ERR or (mask & HUP and not peer.shut):
                self.gone(side, sure=False)
                return
            side.readable = True
        elif mask & IN:
            side.readable = True
        if (peer.waiting is not None or peer.pipe is not None) and mask & OUT:
            self._pump(peer)
        if side.readable and not self._is_over:
            self._pump(side)
        if not self._is_over:
            self._settle()

    def leave_fast(self, side: Side, data: bytes, sent: int) -> None:
        """The fast path read ``data`` and its peer took ``sent`` bytes: it is no idle pair any more."""
        self._leave_fast_table()
        if not data:
            side.ended = side.hung_up = True
        elif len(data) == side.read_bytes:
            side.read_bytes = LARGE_READ_BYTES
        side.readable = True
        side.forwarded += sent
        if sent < len(data):
            side.waiting = memoryview(data)[sent:]
        self._pump(side)
        if not self._is_over:
            self._settle()

    def count(self) -> None:
        """Bring `Side.forwarded` of both sides up to date: on the fast path the kernel alone counts.

        Takes the pair off the fast path until its next bytes, so that a pair that stays silent is asked once.
        """
        if self._uncounted:
            self._leave_fast_table()
            self._uncounted = False
            self.client.forwarded = taken_bytes(self.endpoint.sock)
            self.endpoint.forwarded = taken_bytes(self.client.sock)

    def gone(self, side: Side, *, sure: bool = True) -> None:
        """``side`` was reset or vanished: hand over what it had sent, then reset the other (rule C2).

        Without ``sure`` it was readiness that said so, and a socket that merely has nothing to read lives on:
        a child that still held a closed descriptor can bring such a false alarm for its number.
        """
        if self._is_over:
            return
        self._leave_fast_table()
        phase = self.phase
        if self._hand_over(side) or sure:
            who = Who.CLIENT if side is self.client else Who.ENDPOINT
            self._finish(who, phase, reset=(side.peer,))

    def cut(self, who: Who) -> None:
        """End it now: both sides are reset."""
        if not self._is_over:
            self._leave_fast_table()
            self._finish(who, self.phase, reset=(self.client, self.endpoint))

    def _settle(self) -> None:
        """After an edge was used up: is the pair over, or idle enough for the fast path?"""
        client, endpoint = self.client, self.endpoint
        if client.shut and endpoint.shut:
            self._finish(_BOTH, _OVER, reset=())
            return
        self._edges += 1
        if self._edges >= EDGES_TO_FAST and not (
            client.readable or endpoint.readable or client.hung_up or endpoint.hung_up
            or client.waiting or endpoint.waiting or client.pipe or endpoint.pipe
        ) and kernel_counts(endpoint.sock):  # fmt: skip
            self._fast = self._uncounted = True
            self._engine.fast[client.fd] = client
            self._engine.fast[endpoint.fd] = endpoint

    def _leave_fast_table(self) -> None:
        if self._fast:
            self._fast = False
            self._engine.fast[self.client.fd] = None
            self._engine.fast[self.endpoint.fd] = None

    def _pump(self, source: Side) -> None:
        """Move bytes from ``source`` to its peer until one of them blocks or ends."""
        if source.shut or self._is_over:
            return
        if source.pipe is not None:
            self._pump_spliced(source, source.pipe)
            return
        sink = source.peer
        moved = 0
        while True:
            if source.waiting is not None and not self._flush(source, sink):
                return
            if source.ended:
                self._pass_fin(source, sink)
                return
            if not source.readable:
                return
            if moved >= TURN_BYTES:
                self._queue(source)
                return
            try:
                count = source.sock.recv_into(_buffer)
            except BlockingIOError:
                source.readable = False
                return
            except OSError:
                self.gone(source)
                return
            if count == 0:
                source.ended = source.hung_up = True
                continue
            moved += count
            try:
                sent = sink.sock.send(_view[:count])
            except BlockingIOError:
                sent = 0
            except OSError:
                self.gone(sink)
                return
            source.forwarded += sent
            if sent < count:  # the peer takes no more: what is left waits
                source.waiting = memoryview(bytes(_view[sent:count]))
                return
            if count < BUFFER_BYTES:
                source.full_reads = 0
                if not source.hung_up:
                    source.readable = False  # a short read has emptied the socket
                    return
            else:
                source.full_reads += 1
                if source.full_reads >= FULL_READS_TO_SPLICE and self._start_splicing(source):
                    return

    def _flush(self, source: Side, sink: Side) -> bool:
        """Send what waits. True when nothing waits any more."""
        assert source.waiting is not None
        try:
            sent = sink.sock.send(source.waiting)
        except BlockingIOError:
            return False
        except OSError:
            self.gone(sink)
            return False
        source.forwarded += sent
        if sent < len(source.waiting):
            source.waiting = source.waiting[sent:]
            return False
        source.waiting = None
        return True

    def _pass_fin(self, source: Side, sink: Side) -> None:
        """All that ``source`` sent was taken: half-close the other side, or leave that to the close."""
        source.shut = True
        source.readable = False
        if source.pipe is not None:
            self._stop_splicing(source)
        if sink.shut:
            return
        if self._uncounted:
            self.count()  # the kernel would count a FIN that is not sent yet as a byte
        try:
            sink.sock.shutdown(socket.SHUT_WR)
        except OSError:  # ENOTCONN: it vanished meanwhile
            self.gone(sink)

    def _queue(self, source: Side) -> None:
        """Go on in the next batch: the edge that said readable will not come again."""
        if not source.queued:
            source.queued = True
            self._engine.again(lambda: self._resume(source))

    def _resume(self, source: Side) -> None:
        source.queued = False
        if not self._is_over:
            self._pump(source)
            if not self._is_over:
                self._settle()

    def _start_splicing(self, source: Side) -> bool:
        source.full_reads = 0
        source.pipe = self._pipes.acquire()
        if source.pipe is None:
            return False
        unpace_on_loopback(source.peer.sock)
        self._pump_spliced(source, source.pipe)
        return True

    def _stop_splicing(self, source: Side) -> None:
        if source.pipe is not None:
            self._pipes.release(source.pipe)
            source.pipe = None

    def _pump_spliced(self, source: Side, pipe: Pipe) -> None:
        """As `_pump`, through ``pipe``: the bytes never enter this process."""
        sink = source.peer
        moved = 0
        while True:
            if pipe.filled and not self._drain(source, sink, pipe):
                return
            if source.ended:
                self._pass_fin(source, sink)
                return
            if not source.readable:
                return
            if pipe.small >= SMALL_READS_TO_COPY:
                self._stop_splicing(source)
                self._queue(source)
                return
            if moved >= TURN_BYTES:
                self._queue(source)
                return
            try:
                count = os.splice(source.fd, pipe.writer, SIZE_BYTES, flags=_SPLICE_FLAGS)
            except BlockingIOError:
                source.readable = False  # the pipe is empty, so it is the socket that has nothing
                return
            except OSError:
                self.gone(source)
                return
            if count == 0:
                source.ended = source.hung_up = True
                continue
            pipe.filled = count
            moved += count
            pipe.small = pipe.small + 1 if count < CHATTY_BYTES else 0

    def _drain(self, source: Side, sink: Side, pipe: Pipe) -> bool:
        """Splice out until the pipe is empty (True) or the sink is full."""
        while pipe.filled:
            try:
                count = os.splice(pipe.reader, sink.fd, pipe.filled, flags=_SPLICE_FLAGS)
            except BlockingIOError:
                return False
            except OSError:
                self.gone(sink)
                return False
            pipe.filled -= count
            source.forwarded += count
        return True

    def _hand_over(self, side: Side) -> bool:
        """Give the peer of a dead ``side`` what it takes at once. False: ``side`` is not dead after all."""
        sink = side.peer
        try:
            if side.pipe is not None:
                while side.pipe.filled:
                    count = os.splice(side.pipe.reader, sink.fd, side.pipe.filled, flags=_SPLICE_FLAGS)
                    side.pipe.filled -= count
                    side.forwarded += count
            while side.waiting:
                sent = sink.sock.send(side.waiting)
                side.forwarded += sent
                side.waiting = side.waiting[sent:]
        except OSError:  # full, or gone as well: the rest is lost
            return True
        while True:
            try:
                count = side.sock.recv_into(_buffer)
            except BlockingIOError:
                side.waiting = None
                side.readable = False
                return False
            except OSError:
                return True
            if count == 0:
                return True
            try:
                sent = sink.sock.send(_view[:count])
            except OSError:
                return True
            side.forwarded += sent
            if sent < count:
                return True

    def _finish(self, who: Who, phase: Phase, *, reset: tuple[Side, ...]) -> None:
        """Give both sockets back; those in ``reset`` send a RST."""
        if self._uncounted:
            self.count()
        self._is_over = True
        for side in (self.client, self.endpoint):
            if side.pipe is not None:
                self._stop_splicing(side)
            side.waiting = None
            self._engine.close_later(side.sock, reset=side in reset)
            # No cycles: a pair that is over is freed at once, not by the collector.
            del side.relay, side.peer
        over = self._over
        del self._over
        over(who, phase)
