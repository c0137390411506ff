"""A takeover between two fleets: the parents pass listening sockets and lines, the workers all the rest.

The old parent makes a line, a socketpair, for each of its workers. Each new worker gets the end of the one
that it succeeds, so flows stay with the socket of the group that their clients' datagrams come to.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection, Iterable, Iterator

from userproxy.dataplane.binding import Bindings, Move
from userproxy.dataplane.handover import Line
from userproxy.dataplane.heir import Given
from userproxy.dataplane.inheritance import SharedListener
from userproxy.errors import TakeoverError
from userproxy.model.routes import RouteKey
from userproxy.succession.batches import close_items
from userproxy.succession.channel import KIND
from userproxy.workers.groups import Group, Groups
from userproxy.workers.link import Link

__all__ = ["FleetHandover", "FleetHeir"]

CATCH_UP_LIMIT_S = 50.0
"""For all flows of all workers, while the old ones serve; less than the old parent waits."""
COMPLETION_LIMIT_S = 8.0
"""While UDP waits; less than the old parent allows."""


class FleetHandover:
    """The old fleet's side of one attempt, with the interface of `dataplane.handover.Handover`."""

    def __init__(
        self,
        links: Collection[Link],
        groups: Groups,
        served: Iterable[tuple[RouteKey, Group]],
        bindings: Bindings,
    ) -> None:
        """``served``: what there is of ``groups``. Raises TakeoverError while a worker is missing."""
        if not all(link.serving for link in links):
            raise TakeoverError("a worker is being replaced; try again")
        self._links = links
        self._groups = groups
        self._served = tuple(served)
        self._bindings = bindings
        self._ends: dict[int, socket.socket] = {}
        """Of the lines to our workers: for those of the successor."""
        try:
            for link in links:
                end, self._ends[link.index] = socket.socketpair(socket.AF_UNIX, KIND)
                link.say("give", sock=end)
        except OSError as error:
            self.resume()
            raise TakeoverError(f"no line to a worker: {error.strerror}") from error

    def listeners(self) -> tuple[SharedListener, ...]:
        """The sockets of all workers, and the lock, of each address."""
        return tuple(
            SharedListener(number, key, group.address[1], group.address[2], sock, worker)
            for number, (key, group) in enumerate(self._served)
            for worker, sock in ((None, group.lock), *sorted(group.sockets.items()))
        )

    def moves(self) -> tuple[Move, ...]:
        return self._bindings.moves()

    def traffic(self) -> Iterator[Given]:
        for worker, sock in self._ends.items():
            yield Line(worker, sock)

    def freeze(self, unwanted: Collection[int]) -> None:
        """Each worker does so when its successor asks for it."""

    def traffic_since(self) -> tuple[Given, ...]:
        """The workers answer that themselves."""
        return ()

    def resume(self) -> None:
        for link in self._links:
            link.say("resume")
        self._close()

    def release(self) -> None:
        """Copies that stay here would keep the successor from addresses that it gives up and wants again."""
        for link in self._links:
            link.release()
        self._close()
        self._groups.shared = True
        self._groups.close()

    def _close(self) -> None:
        for sock in self._ends.values():
            sock.close()
        self._ends.clear()


class FleetHeir:
    """The new fleet's side, with the interface of `dataplane.heir.Heir`."""

    def __init__(self, links: Collection[Link]) -> None:
        self._links = {link.index: link for link in links}
        self._lines: dict[int, socket.socket] = {}
        """Not sent on yet."""
        self._missing: set[int] = set()
        self._step: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        dead = [link for link in links if not link.alive]
        self._fault = f"worker {dead[0].index}: has ended" if dead else ""
        self.flows = 0
        self.clients = 0
        """That waited; of all workers together."""

    def unwanted(self, listeners: Iterable[SharedListener]) -> tuple[int, ...]:
        """Each worker says so to its predecessor."""
        return ()

    def adopt(self, item: Given) -> None:
        if isinstance(item, Line) and item.worker not in self._lines:
            self._lines[item.worker] = socket.socket(fileno=item.sock.detach())
        else:
            close_items([item])

    async def caught_up(self) -> None:
        """Every worker has what its predecessor has, which still serves. Raises TakeoverError."""
        if self._lines.keys() != self._links.keys():
            raise TakeoverError(f"{len(self._lines)} of {len(self._links)} workers can be taken over from")
        for worker, link in self._links.items():
            link.say("take", sock=self._lines.pop(worker))
        await self._all_say(CATCH_UP_LIMIT_S)

    async def completed(self) -> None:
        """Every predecessor is frozen, and its worker has all. Raises TakeoverError."""
        for link in self._links.values():
            link.say("complete")
        await self._all_say(COMPLETION_LIMIT_S)

    def told(self, worker: int, kind: str, body: list[int | str]) -> None:
        """What ``worker`` says of its part; kind "lost" when it is dead."""
        if kind in ("lost", "untaken"):
            self._fault = f"worker {worker}: {body[0]}"
        elif kind == "complete":
            self.flows += int(body[0])
            self.clients += int(body[1])
        self._missing.discard(worker)
        if (self._fault or not self._missing) and not self._step.done():
            self._step.set_result(None)

    def close(self) -> None:
        for sock in self._lines.values():
            sock.close()
        self._lines.clear()

    async def _all_say(self, limit_s: float) -> None:
        self._missing = set(self._links)
        self._step = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(limit_s):
                if not self._fault:
                    await self._step
        except TimeoutError:
            raise TakeoverError(f"workers were not done within {limit_s:g} s") from None
        if self._fault:
            raise TakeoverError(self._fault)
