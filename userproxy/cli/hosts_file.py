"""``--hosts-file``: the block of names in a hosts file, true while a proxy runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from userproxy.discovery import Served, ServedTable
from userproxy.discovery.host_names import HostsLines, hosts_lines
from userproxy.discovery.hosts_file import HostsFile, HostsFileError
from userproxy.proxy import Proxy

__all__ = ["HostsKeeper"]

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
"""How often it is looked whether others changed the file, or whether it may be written by now."""


class HostsKeeper:
    """Keeps the block of one proxy. What goes wrong is logged once, tried again, and harms nothing else."""

    def __init__(self, path: Path, namespaces: Sequence[str], cluster_domain: str) -> None:
        self._file = HostsFile(path)
        self._namespaces = tuple(namespaces)
        self._cluster_domain = cluster_domain
        self._changing = threading.Lock()
        self._over = False
        self._trouble = ""
        self._said: frozenset[str] = frozenset()

    async def follow(self, proxy: Proxy) -> None:
        """Keep the block until cancelled, then take it away."""
        # What a run that was killed left there goes at once, however long the source takes.
        await asyncio.to_thread(self._remove)
        try:
            await proxy.settled(timeout_s=None)
            await self._keep_true(proxy)
        finally:
            await asyncio.to_thread(self._end)

    async def _keep_true(self, proxy: Proxy) -> None:
        table = ServedTable()
        due = False
        async with contextlib.aclosing(proxy.changes()) as changes:
            coming = asyncio.ensure_future(anext(changes, None))
            try:
                while True:
                    done, _ = await asyncio.wait([coming], timeout=LOOK_EVERY_S)
                    if done:
                        if (told := coming.result()) is None:
                            return
                        coming = asyncio.ensure_future(anext(changes, None))
                        due |= table.update(told, proxy.services)
                    if due or await asyncio.to_thread(self._file.changed_by_others):
                        # Meanwhile changes are folded.
                        due = not await asyncio.to_thread(self._keep, table.now(proxy.services))
            finally:
                coming.cancel()
                await asyncio.wait([coming])

    def _keep(self, served: Served) -> bool:
        """Bring the file up to date; whether it is."""
        found = HostsLines((), ())

        def lines(taken: frozenset[str]) -> Sequence[str]:
            nonlocal found
            found = hosts_lines(
                served, namespaces=self._namespaces, cluster_domain=self._cluster_domain, taken=taken
            )
            return [str(line) for line in found.lines]

        try:
            with self._changing:
                if self._over:  # whoever asked was cancelled meanwhile
                    return True
                self._file.keep(lines)
        except HostsFileError as error:
            self._tell(str(error))
            return False
        self._tell(self._file.backup_problem)
        for problem in found.problems:
            if problem not in self._said:
                logger.warning("--hosts-file: %s", problem)
        self._said = frozenset(found.problems)
        return True

    def _end(self) -> None:
        with self._changing:
            self._over = True
            self._remove()

    def _remove(self) -> None:
        try:
            self._file.remove()
        except HostsFileError as error:
            self._tell(str(error))

    def _tell(self, trouble: str) -> None:
        """Once, until it is another."""
        if trouble and trouble != self._trouble:
            logger.warning("--hosts-file %s", trouble)
        elif self._trouble and not trouble:
            logger.info("--hosts-file: all is well again")
        self._trouble = trouble
