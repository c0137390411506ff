"""The listening sockets of a fleet: bound, kept and handed out by the parent, in this one place.

An address has one socket for each of its workers, all in one SO_REUSEPORT group. The parent keeps every one
open, so a worker that dies takes neither its queue nor its place in the group along. SO_REUSEPORT hides from
processes of one user that an address is taken. So the first socket is bound without it, and an abstract Unix
socket named after the address is the lock: it goes with the process, whatever ends it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from _socket import socket as Socket
from collections.abc import Callable, Iterable

from userproxy.dataplane.binding import open_address
from userproxy.dataplane.descriptors import Descriptors
from userproxy.dataplane.inheritance import SharedListener
from userproxy.dataplane.sockets import bind_beside
from userproxy.dataplane.udp_sockets import is_refusing, refuse
from userproxy.model.names import Protocol
from userproxy.model.routes import Route, RouteKey

__all__ = ["Address", "Group", "Groups"]

Address = tuple[Protocol, str, int]

UNCLAIMED = -1
"""In the place of a worker: a socket that is bound, and nobody's yet."""


class Group:
    """The sockets of one address, by worker, and its lock."""

    __slots__ = ("_descriptors", "address", "lock", "sockets")

    def __init__(
        self, address: Address, lock: Socket, sockets: dict[int, Socket], descriptors: Descriptors
    ) -> None:
        """Owns ``lock`` and ``sockets``, one at least, from here on; they are counted already."""
        self.address = address
        self.lock = lock
        self._descriptors = descriptors
        self.sockets = sockets

    def serve(self, workers: Iterable[int]) -> None:
        """Have a socket for each of ``workers``, and for nobody else. Raises OSError."""
        wanted = set(workers)
        for worker in sorted(wanted - self.sockets.keys()):
            spare = next((other for other in self.sockets if other not in wanted), None)
            if spare == UNCLAIMED:
                self.sockets[worker] = self.sockets.pop(UNCLAIMED)
            else:
                self.sockets[worker] = self._bind_beside()
        for worker in self.sockets.keys() - wanted:
            self._close(self.sockets.pop(worker))

    def fits(self, workers: Iterable[int]) -> bool:
        """Each of ``workers``, and nobody else, has a socket that is of use."""
        if self.sockets.keys() != set(workers):
            return False
        return self.address[0] is Protocol.TCP or not any(map(is_refusing, self.sockets.values()))

    def renew_refusing(self, worker: int) -> None:
        """Datagrams are wanted again: a socket that was connected to refuse has left the group for good.

        Raises OSError.
        """
        if self.address[0] is Protocol.UDP and is_refusing(self.sockets[worker]):
            sock = self._bind_beside()
            self._close(self.sockets[worker])
            self.sockets[worker] = sock

    def close(self) -> None:
        for sock in (*self.sockets.values(), self.lock):
            self._close(sock)
        self.sockets.clear()

    def _bind_beside(self) -> Socket:
        _count(self._descriptors)
        try:
            return bind_beside(next(iter(self.sockets.values())))
        except BaseException:
            self._descriptors.give(1)
            raise

    def _close(self, sock: Socket) -> None:
        sock.close()
        self._descriptors.give(1)


class Groups:
    """Every address of a fleet. A group that is left stays ours until its workers have let go of it."""

    def __init__(
        self,
        descriptors: Descriptors,
        owners: Callable[[Route], tuple[int, ...]],
        *,
        shared: bool = False,
    ) -> None:
        self._descriptors = descriptors
        self._owners = owners
        self._groups: dict[Address, Group] = {}
        self._left: dict[Address, tuple[Group, RouteKey | None]] = {}
        """With the service port that moved away, and may come back; None: it is gone, anybody may come."""
        self._inherited: dict[Address, Group] = {}
        self._inherited_at: dict[RouteKey, Address] = {}
        self.shared = shared
        """Another process serves by the same sockets: they stay as they are."""

    def open(self, route: Route, port: int) -> Socket:
        """Bind ``port`` for ``route`` and its workers; one of the sockets. Raises OSError."""
        group = self._inherited_for(route, port)
        if group is None:
            group = self._left_for(route, port) or self._bind(route, port)
            try:
                group.serve(self._owners(route))
            except BaseException:
                group.close()
                raise
        self._groups[group.address] = group
        return next(iter(group.sockets.values()))

    def at(self, protocol: Protocol, host: str, port: int) -> Group:
        return self._groups[protocol, host, port]

    def leave(self, group: Group, moved: RouteKey | None = None) -> None:
        """Nobody is served there any more; `close_left` gives it up, unless it is opened again before.

        ``moved``: the service port that is elsewhere now. Its workers stop listening at the old address when
        they hear of the new one, so until they have, another service port must not have it.
        """
        del self._groups[group.address]
        self._left[group.address] = (group, moved)

    def refuse(self, worker: int) -> None:
        """``worker`` is dead, and will not be replaced: nobody shall wait for it."""
        if self.shared:
            return
        for group in self._groups.values():
            sock = group.sockets.get(worker)
            if sock is None:
                continue
            with contextlib.suppress(OSError):  # it refuses already
                if group.address[0] is Protocol.UDP:
                    refuse(sock)
                else:
                    sock.shutdown(socket.SHUT_RDWR)

    def left(self) -> tuple[Group, ...]:
        return tuple(group for group, _ in self._left.values())

    def close_left(self, groups: Iterable[Group]) -> None:
        """Its workers have let go of ``groups``."""
        for group in groups:
            if self._left.get(group.address, (None,))[0] is group:
                del self._left[group.address]
                group.close()

    def close(self) -> None:
        self.close_inherited()
        for group in (*self._groups.values(), *self.left()):
            group.close()
        self._groups.clear()
        self._left.clear()

    # Between processes (see `takeover`).

    def inherit(self, listeners: Iterable[SharedListener]) -> None:
        """Use these groups where routes want their addresses; ours now, unless there is no room for them."""
        members: dict[int, dict[int | None, SharedListener]] = {}
        for listener in listeners:
            members.setdefault(listener.number, {})[listener.worker] = listener
        for group in members.values():
            lock = group.pop(None, None)
            first = next(iter(group.values()), None)
            if lock is None or first is None or not self._descriptors.take(len(group) + 1):
                for member in (*group.values(), *((lock,) if lock is not None else ())):
                    member.sock.close()
                continue
            address = (first.key.name.protocol, first.host, first.port)
            sockets = {worker: member.sock for worker, member in group.items() if worker is not None}
            self._inherited[address] = Group(address, lock.sock, sockets, self._descriptors)
            self._inherited_at[first.key] = address

    def close_inherited(self) -> None:
        """Give up this process's copies of what was not taken."""
        for group in self._inherited.values():
            group.close()
        self._inherited.clear()
        self._inherited_at.clear()

    def _inherited_for(self, route: Route, port: int) -> Group | None:
        """Port 0 stands for the number that the service port had."""
        address = (route.name.protocol, route.listen_host, port)
        if not port:
            address = self._inherited_at.get(route.key, address)
        if address[1] != route.listen_host:
            return None
        return self._inherited.pop(address, None)

    def _left_for(self, route: Route, port: int) -> Group | None:
        address = (route.name.protocol, route.listen_host, port)
        group, moved = self._left.get(address, (None, None))
        if group is not None and moved in (None, route.key):
            del self._left[address]
            return group
        return None

    def _bind(self, route: Route, port: int) -> Group:
        _count(self._descriptors, 2)
        try:
            sock = open_address(route, port)
            try:
                host, number = sock.getsockname()[:2]
                address = (route.name.protocol, route.listen_host, number)
                lock = _lock(route.name.protocol, host, number)
            except BaseException:
                sock.close()
                raise
        except BaseException:
            self._descriptors.give(2)
            raise
        return Group(address, lock, {UNCLAIMED: sock}, self._descriptors)


def _lock(protocol: Protocol, host: str, port: int) -> Socket:
    """Raises OSError when another process has it."""
    namespace = os.stat("/proc/self/ns/net").st_ino
    sock = Socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        sock.bind(f"\0userproxy/{namespace}/{protocol}/{host}/{port}")
    except BaseException:
        sock.close()
        raise
    return sock


def _count(descriptors: Descriptors, count: int = 1) -> None:
    if not descriptors.take(count):
        raise OSError(errno.EMFILE, "no descriptors are left for its sockets (RLIMIT_NOFILE)")
