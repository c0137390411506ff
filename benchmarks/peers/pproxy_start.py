"""``python -m benchmarks.peers.pproxy_start``: pproxy's own command line, on a uvloop that exists already.

pproxy 2.7 installs uvloop's policy and then asks for the current loop; today's uvloop makes none by itself.
"""

from __future__ import annotations

import asyncio
from importlib import import_module

import uvloop

__all__ = ["main"]


def main() -> None:
    asyncio.set_event_loop(uvloop.new_event_loop())
    uvloop.install = lambda: None
    import_module("pproxy.server").main()


if __name__ == "__main__":
    main()
