"""``--takeover``: what `userproxy run` does before it serves, and when another process wants to."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from userproxy.cli.table_file import TableFile
from userproxy.errors import TakeoverError
from userproxy.proxy import Proxy
from userproxy.takeover.place import TakeoverPath
from userproxy.takeover.predecessor import Predecessor
from userproxy.takeover.server import TakeoverServer

__all__ = ["Takeover"]


logger = logging.getLogger(__name__)


class Takeover:
    """Takes over from the process that is found at a path, then waits there for the next one."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigError when ``path`` cannot be used, TakeoverError for who is there."""
        self._place = TakeoverPath(path)
        found = self._place.claim()
        self._predecessor = Predecessor(found, str(path)) if found is not None else None
        self._server: TakeoverServer | None = None

    @property
    def pending(self) -> bool:
        """Another process serves still."""
        return self._predecessor is not None

    async def begin(
        self,
        proxy: Proxy,
        say: Callable[[str], None],
        table_file: TableFile | None,
        replaced: Callable[[], None],
    ) -> None:
        """Return once ``proxy`` serves. ``replaced`` is called when another process does instead.

        Raises TakeoverError: the other process goes on.
        """
        if self._predecessor is not None:
            await self._take_over(self._predecessor, proxy, say, table_file)
        else:
            say(f"nobody to take over from at {self._place}")

        def handed_over(pid: int, its_table_file: str) -> None:
            say(f"handed over to process {pid}")
            if table_file is not None and table_file.name == its_table_file:
                table_file.leave()
            replaced()

        if self._place.listener is not None:
            self._server = TakeoverServer(self._place.listener, proxy, handed_over)

    async def _take_over(
        self, predecessor: Predecessor, proxy: Proxy, say: Callable[[str], None], table_file: TableFile | None
    ) -> None:
        try:
            await predecessor.greet(table_file.name if table_file is not None else "", proxy.workers)
            say(f"taking over from process {predecessor.pid}")
            await predecessor.hand_over_to(proxy)
            done = f"took over from process {predecessor.pid}"
        except TakeoverError:
            if not await predecessor.has_died():
                raise
            proxy.sockets.wake()  # with whatever has come from it so far
            proxy.resume()
            done = f"process {predecessor.pid} has ended before it was taken over from"
        self._predecessor = None
        try:
            self._place.publish()
        except TakeoverError as error:  # it serves already, so it goes on
            logger.error("the next process cannot take over from this one: %s", error)
        try:
            await predecessor.gone_quiet()
        finally:
            predecessor.close()
            if table_file is not None:
                table_file.own()
        say(done)

    async def stop(self) -> None:
        """Be taken over from no more."""
        if self._server is not None:
            server, self._server = self._server, None
            await server.close()

    def close(self) -> None:
        """After `stop`: give everything back. A process that was not taken over from goes on."""
        if self._predecessor is not None:
            self._predecessor.close()
        self._place.withdraw()
