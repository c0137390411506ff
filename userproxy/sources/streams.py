"""What can be read only once: standard input and FIFOs, such as the shell's ``<(command)``."""

from __future__ import annotations

import contextlib
import os
import select
import sys

from userproxy.sources.disk import content
from userproxy.sources.document import MAX_BYTES
from userproxy.sources.given import STANDARD_INPUT, Given
from userproxy.sources.sights import Sight, Unreadable
from userproxy.sources.threads import Stop

__all__ = ["read_to_end"]

_PART_BYTES = 256 * 1024


def read_to_end(given: Given, stop: Stop) -> Sight | None:
    """Wait for all that comes until the other side ends it; None when ``stop`` was set before. Blocking.

    Standard input stays open; a FIFO is opened and closed here. More than a file may hold is not read.
    """
    try:
        with contextlib.ExitStack() as opened:
            if given.path == STANDARD_INPUT:
                if sys.stdin is None:
                    return Unreadable("is closed")
                descriptor = sys.stdin.fileno()
            else:
                # Not blocking, so that the wait for its writer can be stopped.
                descriptor = os.open(given.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                opened.callback(os.close, descriptor)
            return _read(descriptor, stop)
    except (OSError, ValueError) as error:  # ValueError: sys.stdin is closed, or was replaced by no file
        return Unreadable(f"cannot be read: {getattr(error, 'strerror', None) or error}")


def _read(descriptor: int, stop: Stop) -> Sight | None:
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    poller.register(stop.fileno(), select.POLLIN)
    data = bytearray()
    while len(data) <= MAX_BYTES:
        ready = dict(poller.poll())
        if stop.fileno() in ready:
            return None
        try:
            part = os.read(descriptor, _PART_BYTES)
        except BlockingIOError:
            continue
        if not part:
            break
        data += part
    return content(bytes(data))
