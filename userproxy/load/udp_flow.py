"""One UDP flow: a socket of its own, numbered datagrams, and what became of each.

Lost is what is not answered within the time-out; what comes after that came too late, and was lost all the
same. Reordered is an answer with a lower number than one that came before it (RFC 4737, 3). A datagram whose
bytes are not those that were sent is corrupt; nobody can say which request it answers.
"""

from __future__ import annotations

import os
import socket
import struct
from _socket import socket as Socket
from collections.abc import Callable, Sequence

from userproxy.load.messages import Messages
from userproxy.load.plan import Naming
from userproxy.load.reactor import READS
from userproxy.load.tcp_exchange import Wiring

__all__ = ["Place", "UdpFlow"]

MAX_DATAGRAM_BYTES = 65_535
RECEIVE_BUFFER_BYTES = 4 << 20
"""Asked for; the kernel gives at most net.core.rmem_max."""
LOST_REMEMBERED = 65_536
"""Lost numbers of a flow; an answer to an older one counts as a duplicate."""
SO_MEMINFO = 55
"""socket(7); not in the socket module. Nine numbers, the last one is how many datagrams were dropped."""
_MEMINFO = struct.Struct("=9I")


class Place:
    """One datagram that may be in flight."""

    __slots__ = ("_flow", "intended_ns", "sent_ns")

    def __init__(self, flow: UdpFlow) -> None:
        self._flow = flow
        self.intended_ns = 0
        self.sent_ns = 0

    def start(self, intended_ns: int, now_ns: int) -> None:
        self.intended_ns = intended_ns
        self.sent_ns = now_ns
        self._flow.send(self)


class UdpFlow:
    """Owns its socket. ``places``: datagrams that may be in flight at once."""

    __slots__ = ("_highest", "_lost", "_messages", "_named", "_next", "_owner", "_sock", "_waiting",
                 "_wiring", "slots")  # fmt: skip

    def __init__(self, wiring: Wiring, messages: Messages, owner: int, places: int) -> None:
        self._wiring = wiring
        self._messages = messages
        self._owner = owner
        self._named = wiring.plan.naming is Naming.PREFIX
        self._sock: Socket | None = None
        self._next = 0
        self._highest = -1
        self._waiting: dict[int, Place] = {}
        """By number, in the order of sending."""
        self._lost: dict[int, None] = {}
        self.slots: Sequence[Place] = tuple(Place(self) for _ in range(places))

    def open(self, opened: Callable[[str], None]) -> None:
        """Take a socket; ``opened`` is told "" or what is wrong."""
        try:
            sock = Socket(self._wiring.family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        except OSError as error:
            opened(os.strerror(error.errno or 0).lower())
            return
        self._sock = sock
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            sock.connect(self._wiring.address)
        except OSError as error:  # no route
            sock.close()
            self._sock = None
            opened(os.strerror(error.errno or 0).lower())
            return
        self._wiring.reactor.watch(sock.fileno(), self.ready, READS)
        opened("")

    def send(self, place: Place) -> None:
        number = self._next
        self._next += 1
        self._waiting[number] = place
        problem = self._try(self._messages.make(number, self._owner))
        if problem:
            self._waiting.pop(number, None)
            self._fail(place, problem)

    def _try(self, message: bytes) -> str:
        """ "" or what is wrong."""
        if self._sock is None:
            return "no socket"
        for _ in range(2):
            try:
                self._sock.send(message)
            except ConnectionRefusedError:  # what an ICMP message said of an earlier one; it is told once
                self._refused()
            except OSError as error:
                return f"send: {os.strerror(error.errno or 0).lower()}"
            else:
                return ""
        return "connection refused"

    def ready(self, mask: int) -> None:
        """Take all that has come; edges come once."""
        while self._sock is not None:
            try:
                data = self._sock.recv(MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                self._refused()
            except OSError as error:  # another ICMP message: host unreachable
                self._refused(os.strerror(error.errno or 0).lower())
            else:
                self._received(data)

    def _received(self, data: bytes) -> None:
        wiring = self._wiring
        now_ns = wiring.now_ns()
        name, message = self._parts(data)
        number = self._messages.number(message, self._owner)
        if number is None or number >= self._next:
            wiring.tally.phase(now_ns).corrupt += 1
            return
        place = self._waiting.pop(number, None)
        if place is None:
            if number in self._lost:
                del self._lost[number]
                wiring.tally.phase(now_ns).answered_too_late += 1
            else:
                wiring.tally.phase(now_ns).duplicates += 1
            return
        counts = wiring.tally.answered(place.intended_ns, place.sent_ns, now_ns, len(data))
        if number < self._highest:
            counts.reordered += 1
        else:
            self._highest = number
        if self._named:
            counts.name(name)
        wiring.dispatcher.free(place, now_ns)

    def _parts(self, data: bytes) -> tuple[str, bytes]:
        """(name, echo): with `Naming.PREFIX` a name and a colon come first."""
        if not self._named:
            return "", data
        split = len(data) - self._messages.size_bytes
        if split < 1 or data[split - 1 : split] != b":":
            return "", b""
        return data[: split - 1].decode("utf-8", "replace"), data[split:]

    def expire(self, now_ns: int, timeout_ns: int) -> None:
        """What has waited longer is lost."""
        while self._waiting:
            number, place = next(iter(self._waiting.items()))
            if now_ns - place.sent_ns <= timeout_ns:
                return
            del self._waiting[number]
            self._lost[number] = None
            if len(self._lost) > LOST_REMEMBERED:
                del self._lost[next(iter(self._lost))]
            self._fail(place, "lost", rest=False)

    def _refused(self, kind: str = "connection refused") -> None:
        """An ICMP error does not say which datagram it is about: the one that waits longest."""
        if self._waiting:
            self._fail(self._waiting.pop(next(iter(self._waiting))), kind)

    def _fail(self, place: Place, kind: str, *, rest: bool = True) -> None:
        now_ns = self._wiring.now_ns()
        self._wiring.tally.failed(kind, place.intended_ns, now_ns)
        self._wiring.dispatcher.free(place, now_ns, rest=rest)

    def close(self) -> None:
        """Answers that the kernel dropped because this process read too slowly are counted."""
        if self._sock is None:
            return
        try:
            drops = _MEMINFO.unpack(self._sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, _MEMINFO.size))[-1]
        except (OSError, struct.error):  # a kernel before 4.12
            drops = 0
        self._wiring.tally.dropped_here += drops
        self._wiring.reactor.close_later(self._sock)
        self._sock = None
