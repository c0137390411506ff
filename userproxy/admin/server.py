"""Where a running proxy is asked: a Unix socket of its own, open while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType

from userproxy.admin.folder import SocketFolder, folder_path
from userproxy.errors import AdminError
from userproxy.proxy import Proxy

__all__ = ["AdminServer"]

logger = logging.getLogger(__name__)

FIRST_THINGS_S = 1.0
"""How long a table that does not come may hold up the first answer."""


class AdminServer:
    """Answers questions about a proxy, and changes nothing."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """``environ`` says where; None: the process's own."""
        self._environ = os.environ if environ is None else environ

    async def follow(self, proxy: Proxy) -> None:
        """Answer at this process's socket until cancelled; where that cannot be, one warning says so."""
        try:
            with SocketFolder(folder_path(self._environ), create=True) as folder:
                folder.processes()  # whose sockets remain when they are killed
                listener = folder.listen()
                try:
                    with contextlib.suppress(TimeoutError, RuntimeError):  # the proxy may stop already
                        await proxy.settled(FIRST_THINGS_S)
                    await (await _pages()).answer(proxy, listener)
                finally:
                    folder.withdraw()
                    listener.close()
        except (AdminError, OSError) as error:
            logger.warning("userproxy status cannot ask this process: %s", error)


async def _pages() -> ModuleType:
    """The HTTP side. Loading its library takes 0.1 s: not before the first byte, and not on the loop."""
    return await asyncio.to_thread(import_module, "userproxy.admin.pages")
