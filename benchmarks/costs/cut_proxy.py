"""``python -m benchmarks.costs.cut_proxy NAME LOOP ENDPOINT``: a proxy of one Service without feature NAME.

The modules of the data plane are compiled from their source less the lines of that cut; "whole" cuts nothing.
It prints where the Service listens, and serves until SIGTERM. No file is watched, nothing is logged, nothing
is collected in between: what is counted is forwarding alone.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Sequence

from benchmarks.costs.cuts import CUTS, WHOLE
from benchmarks.costs.cutting import CutFinder
from benchmarks.errors import Interrupted
from benchmarks.running import run

__all__ = ["main"]

DIAL_LIMIT_S = 30.0
"""Under callgrind all is slow, and a dial that is tried again would be counted twice."""


async def serve(endpoint: str) -> None:
    # Imported here: behind the cut.
    from userproxy.proxy import Proxy
    from userproxy.settings import Addresses, DialSettings, Settings
    from userproxy.sources.memory import MemorySource
    from userproxy.testing.objects import endpoint_slice, service

    source = MemorySource()
    source.apply(service("web", 80), endpoint_slice("web", [endpoint]))
    settings = Settings(addresses=Addresses.EPHEMERAL, dial=DialSettings(timeouts_s=(DIAL_LIMIT_S,)))
    async with Proxy(source, settings=settings) as proxy:
        await proxy.settled(timeout_s=DIAL_LIMIT_S)
        gc.disable()  # the collector comes when it comes, whatever is cut
        print("{}:{}".format(*proxy.address("web")), flush=True)
        await asyncio.Event().wait()


def main(arguments: Sequence[str]) -> int:
    name, loop, endpoint = arguments
    if name != WHOLE:
        sys.meta_path.insert(0, CutFinder(CUTS[name]))
    try:
        run(lambda: serve(endpoint), loop=loop)
    except Interrupted:
        return 0
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
