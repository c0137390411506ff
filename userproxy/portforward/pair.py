"""One connection through the API server: our end of a socketpair, joined to the streams that lead to a pod.

The relay has the other end. Until the pod has answered, what the client sent is kept, so that it can go to
another pod when the error stream says that nothing was delivered.
"""

from __future__ import annotations

import errno
import socket
from _socket import socket as Socket

from userproxy.dataplane.engine import HUP, IN, OUT, RDHUP
from userproxy.dataplane.pod_dialling import PodCaller
from userproxy.model.names import NamespacedName
from userproxy.model.routes import Endpoint
from userproxy.portforward.error_text import MAX_TEXT_BYTES, ErrorText
from userproxy.portforward.held_fins import HeldFin
from userproxy.portforward.limits import HalfClose
from userproxy.portforward.pair_owner import PairOwner
from userproxy.portforward.streams import PairStream, Upgrade
from userproxy.portforward.timer import Timer
from userproxy.portforward.unread import Unread

__all__ = ["Pair"]

_READ_BYTES = 64 * 1024
_TURN_BYTES = 1 << 20
"""A client that sent so much lets others have their turn."""
_buffer = bytearray(_READ_BYTES)
_view = memoryview(_buffer)


class Pair:
    """A `PodDial`, and the user of a stream. Owns its end of the socketpair."""

    __slots__ = (
        "_broken", "_caller", "_client_ended", "_error", "_error_ended", "_fin_sent", "_held_fin",
        "_kept", "_kept_bytes", "_owner", "_pod_ended", "_queued", "_reached", "_readable",
        "_reset", "_settling", "_shut", "_sock", "_stalling", "_stream", "_unread", "pod",
        "port",
    )  # fmt: skip

    def __init__(self, owner: PairOwner, caller: PodCaller) -> None:
        self._owner = owner
        self._caller: PodCaller | None = caller
        """None: the connection is over, and what is left is to pass on its last bytes."""
        self.pod = NamespacedName("", "")
        self.port = 0
        self._sock: Socket | None = None
        self._stream: PairStream | None = None
        self._kept: list[bytes] | None = []
        """What the client has sent; None: it can go to no other pod any more."""
        self._kept_bytes = 0
        self._unread = Unread()
        self._stalling = False
        self._readable = False
        self._queued = False
        self._reached = False
        self._client_ended = False
        self._fin_sent = False
        self._pod_ended = False
        self._reset = False
        """And not in order."""
        self._shut = False
        """The pod's end was passed on."""
        self._error = bytearray()
        self._error_ended = False
        self._broken: OSError | None = None
        """To be told once the client has what came before."""
        self._settling = Timer(self._settle)
        self._held_fin = HeldFin(self._finish)

    # What the connection asks (a `PodDial`).

    @property
    def timeout_s(self) -> float | None:
        # The upgrade gives itself up first, and says better why.
        making = self._owner.is_making(self.pod)
        return self._owner.limits.upgrade_timeout_s + 1.0 if making else None

    def cancel(self) -> None:
        if self._sock is None:
            self._dispose()
        else:
            self._owner.give_up(self)

    def redial(self, endpoint: Endpoint, pod: NamespacedName) -> bool:
        self.pod, self.port = pod, endpoint.port
        return self._owner.seek(self)

    def over(self, *, clean: bool) -> None:
        self._caller = None
        self._settling.cancel()
        self._held_fin.forget()
        if not clean or self._stream is None:
            self._leave(reset=True)
            self._dispose()
            return
        # Both have ended, so what is left in the socket is all that the pod has not got.
        self._readable = True
        self._pump()

    # What the upgrades of the pod say.

    def attach(self, upgrade: Upgrade) -> None:
        """``upgrade`` has room: use it."""
        theirs = None
        if self._sock is None:
            try:
                theirs = self._make_sockets()
            except OSError as error:
                self.fail(error)
                return
        self._pod_ended = self._reset = self._error_ended = self._fin_sent = False
        self._error.clear()
        self._stream = upgrade.open(self, self.port)
        for data in self._kept or ():
            self._stream.send(data)
        if self._client_ended:
            self._pass_client_fin()
        if self._caller is not None:
            self._caller.forwarded(self, theirs)
        self._pump()

    def fail(self, error: OSError) -> None:
        """There is no way to this pod; nothing was delivered."""
        self._settling.cancel()
        self._held_fin.forget()
        caller = self._caller
        if caller is None or self._sock is None:
            self._dispose()
        if caller is not None:
            caller.undelivered(error)

    # What comes from the client (a `Handler`).

    def ready(self, mask: int) -> None:
        if mask & OUT and self._unread:
            self._flush()
        if mask & (IN | RDHUP | HUP):
            self._readable = True
            self._pump()

    def failed(self, error: Exception) -> None:
        self._break(OSError(errno.EIO, f"a fault of ours: {error}"))

    def writable(self) -> None:
        self._pump()

    def _pump(self) -> None:
        """Send what the client sent, while the upgrade takes it."""
        moved = 0
        while self._readable and self._stream is not None and self._sock is not None:
            if self._stream.blocked:
                return
            if moved >= _TURN_BYTES:
                self._queue()
                return
            try:
                count = self._sock.recv_into(_buffer)
            except BlockingIOError:
                self._readable = False
                return
            except ConnectionResetError:  # the relay is gone, and says so itself
                count = 0
            if not count:
                self._readable = False
                self._client_ended = True
                self._pass_client_fin()
                return
            moved += count
            if self._kept is not None:
                self._keep(count)
            self._stream.send(_view[:count])

    def _keep(self, count: int) -> None:
        assert self._kept is not None
        self._kept_bytes += count
        if self._kept_bytes > self._owner.limits.kept_bytes:
            self._kept = None
        else:
            self._kept.append(bytes(_view[:count]))

    def _queue(self) -> None:
        if not self._queued:
            self._queued = True
            self._owner.engine.again(self._again)

    def _again(self) -> None:
        self._queued = False
        self._pump()

    def _pass_client_fin(self) -> None:
        """Runtimes cut a connection 1 s after a FIN, so it waits for the pod's end (rule C2)."""
        if self._pod_ended or self._caller is None or self._owner.half_close is HalfClose.SEND:
            self._finish()
        else:
            self._held_fin.hold(self._owner.held_fins(self.pod))

    def _finish(self) -> None:
        if self._stream is not None and not self._fin_sent:
            self._fin_sent = True
            self._held_fin.forget()
            if not self._reset:
                self._stream.finish()
        if self._caller is None:
            self._leave(reset=False)
            self._dispose()

    # What comes from the pod (a `StreamUser`).

    def received(self, data: memoryview, *, fin: bool) -> None:
        if data:
            self._held_fin.heard = True
            if not self._reached:
                self._reach()
            self._deliver(data)
        if fin:
            self._pod_ended = True
            self._judge()

    def error_received(self, data: memoryview, *, fin: bool) -> None:
        if len(self._error) < MAX_TEXT_BYTES:
            self._error += data
        if fin:
            self._error_ended = True
        if self._error or self._pod_ended:
            self._judge()

    def reset(self) -> None:
        self._pod_ended = self._reset = True
        self._judge()

    def refused(self, error: OSError) -> None:
        self._stream = None
        if self._kept is not None:
            self.fail(error)
        else:
            self._break(error)

    def lost(self, error: OSError) -> None:
        self._leave(reset=False)
        self._settling.cancel()
        if not (self._shut and self._client_ended):  # else there is nothing left that could be lost
            self._break(error)

    def _reach(self) -> None:
        self._reached = True
        self._kept = None
        if self._caller is not None:
            self._caller.reached()

    def _deliver(self, data: memoryview) -> None:
        if self._sock is None:
            return
        self._unread.put(self._sock, data)
        if self._unread.size_bytes > self._owner.limits.unread_bytes:
            self._stall(True)

    def _flush(self) -> None:
        assert self._sock is not None
        self._unread.flush(self._sock)
        if self._unread.size_bytes <= self._owner.limits.unread_bytes // 2:
            self._stall(False)
        if not self._unread:
            self._all_taken()

    def _all_taken(self) -> None:
        if self._broken is not None:
            self._break(self._broken)
        elif self._shut and self._sock is not None:
            self._shut_down()

    def _stall(self, stalled: bool) -> None:
        if stalled is not self._stalling:
            self._stalling = stalled
            if self._stream is not None:
                self._stream.stall(stalled)

    # How it ends.

    def _judge(self) -> None:
        """The pod's side has ended, or an error has come: what does it mean?"""
        if self._shut:
            return
        told = self._error or self._error_ended or (self._reached and not self._reset)
        if self._pod_ended and told:
            self._settle()
        elif not self._settling.running:
            self._settling.start(self._owner.limits.settle_s)

    def _settle(self) -> None:
        self._settling.cancel()
        if self._error:
            self._report(ErrorText.of(bytes(self._error)))
        elif self._reset:
            self._leave(reset=True)
            self._break(OSError(errno.ECONNRESET, f"pod {self.pod} reset the connection to port {self.port}"))
        elif self._pod_ended:
            if not self._reached:
                self._reach()
            self._shut = True
            if not self._unread:
                self._shut_down()

    def _report(self, text: ErrorText) -> None:
        if text.close_connection and self._stream is not None:
            self._stream.leave()
        self._leave(reset=True)
        message = f"pod {self.pod}, port {self.port}: {text.message}"
        if self._kept is not None and text.nothing_delivered:
            self.fail(OSError(errno.ECONNREFUSED, message))
        else:
            self._break(OSError(errno.ECONNRESET, message))

    def _shut_down(self) -> None:
        """The pod's FIN, behind its last byte."""
        if self._sock is not None:
            try:
                self._sock.shutdown(socket.SHUT_WR)
            except OSError as error:
                if error.errno != errno.ENOTCONN:  # the relay is gone
                    raise
        if self._client_ended:
            self._finish()

    def _break(self, error: OSError) -> None:
        """The way is gone: the client gets what has come, then a reset."""
        self._leave(reset=True)
        self._held_fin.forget()
        if self._caller is None:
            self._dispose()
        elif self._unread:
            self._broken = error
        else:
            self._broken = None
            self._caller.broken(error)

    def _leave(self, *, reset: bool) -> None:
        """Give the stream back; the pod's side is told to end if it has not."""
        self._stall(False)
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.end(reset=reset)

    def _make_sockets(self) -> Socket:
        self._owner.began(self)
        try:
            theirs, ours = socket.socketpair()
        except OSError:
            self._owner.ended(self)
            raise
        theirs.setblocking(False)
        ours.setblocking(False)
        self._sock = Socket(fileno=ours.detach())
        self._owner.engine.watch(self._sock.fileno(), self)
        return Socket(fileno=theirs.detach())

    def _dispose(self) -> None:
        self._caller = None
        self._owner.give_up(self)
        self._settling.cancel()
        self._held_fin.forget()
        self._unread.clear()
        self._kept = None
        sock, self._sock = self._sock, None
        if sock is not None:
            self._owner.engine.close_later(sock)
            self._owner.ended(self)

    def close(self) -> None:
        """At the stop of the forwarder."""
        caller = self._caller
        self._leave(reset=True)
        self._dispose()
        if caller is not None:
            caller.broken(OSError(errno.ECONNABORTED, "port-forward has stopped"))
