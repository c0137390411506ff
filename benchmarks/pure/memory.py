"""How much memory a Service takes in the pure state: a process of its own, which says so as JSON.

``python -m benchmarks.pure.memory SERVICES [--trace]``: with ``--trace`` by tracemalloc, else by RSS, since
tracing itself takes memory. A small state is built and dropped before, so that what every process has
once is there already.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import tracemalloc

from benchmarks.measuring.proc import resident_bytes
from benchmarks.processes import Child, python
from benchmarks.pure.deriving import state_of

__all__ = ["LIMIT_S", "bytes_per_service"]

LIMIT_S = 120.0
WARM_UP = 10
"""Services."""


async def bytes_per_service(services: int, *, trace: bool) -> float:
    """Of a state of ``services``, without sockets. Raises BenchmarkError when the process fails."""
    command = python("benchmarks.pure.memory", services, *(("--trace",) if trace else ()))
    async with Child("the process that measures memory", command, talks=True) as child:
        answer = json.loads(await child.line(LIMIT_S))
        await child.wait()
    return float(answer["bytes"]) / services


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pure.memory")
    parser.add_argument("services", type=int)
    parser.add_argument("--trace", action="store_true")
    options = parser.parse_args()
    state_of(WARM_UP)
    if options.trace:
        tracemalloc.start()
    before = _now(options.trace)
    state = state_of(options.services)
    taken = _now(options.trace) - before
    print(json.dumps({"services": len(state.services), "bytes": taken}), flush=True)


def _now(trace: bool) -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0] if trace else resident_bytes(os.getpid())


if __name__ == "__main__":
    main()
