"""``userproxy demo``: a cluster in a bottle, under load, with endpoints replaced under that load.

In this process: the API server, and the proxy that follows it over HTTP, by the very code of ``run``. In
processes of their own: the backends and two load generators. The load's reports flow into the view.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys

from userproxy.cli.limits import raise_descriptor_limit
from userproxy.cli.options import add_loop_option, run_loop
from userproxy.cli.output import LineWriter, OutputError, writing
from userproxy.errors import ConfigError

__all__ = ["add_arguments", "run"]

REPORT_INTERVAL_S = 0.25
PLAIN_INTERVAL_S = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, metavar="N", help="end after N seconds (default: at Ctrl-C)")
    add_loop_option(parser)


def run(options: argparse.Namespace) -> int:
    if options.seconds is not None and not options.seconds > 0:
        raise ConfigError(f"--seconds {options.seconds:g}: must be above 0")
    raise_descriptor_limit()
    output = LineWriter(sys.stdout.fileno())
    try:
        code = run_loop(options.loop, lambda: _demo(options.seconds, output))
    finally:
        output.close()
    if output.error is not None:
        raise OutputError(output.error)
    return code


async def _demo(seconds: float | None, output: LineWriter) -> int:
    from userproxy.cli.demo.scene import Scene
    from userproxy.cli.demo.view import live, plain, summary

    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    for_people = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    interval_s = REPORT_INTERVAL_S if for_people else PLAIN_INTERVAL_S
    async with Scene() as scene:
        with writing(), live(scene.story) if for_people else plain(scene.story, output.say) as refresh:
            ends = loop.time() + seconds if seconds is not None else float("inf")
            while not (stop.is_set() or loop.time() >= ends or scene.story.broken or output.error):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(interval_s, max(0.0, ends - loop.time()))):
                        await stop.wait()
                scene.tell_time()
                refresh()
        await scene.stop_load()
    output.say(summary(scene.story))
    return 0 if scene.story.good else 1
