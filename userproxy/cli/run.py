"""``userproxy run``: serve Services until a signal."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from userproxy.cli.limits import raise_descriptor_limit
from userproxy.cli.logs import add_log_options, set_up_logging
from userproxy.cli.options import (
    add_address_options,
    add_loop_option,
    add_source_options,
    file_source,
    is_file_source,
    kube_source,
    run_loop,
    settings_of,
)

if TYPE_CHECKING:
    from userproxy.cli.table import TableRow
    from userproxy.proxy import Proxy
    from userproxy.settings import Settings
    from userproxy.sources.base import Source

__all__ = ["add_arguments", "run", "serve"]

GARBAGE_AT_START = 100_000
"""Objects between two looks of the collector until the first table is in force."""
WILDCARDS_INTERVAL_S = 10.0
"""How often, at most, it is looked for others that listen on every address (rule L7)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source_options(parser)
    add_address_options(parser)
    parser.add_argument(
        "--table-file", type=Path, metavar="FILE", help="keep the table of what is served there, as JSON"
    )
    parser.add_argument(
        "--drain-timeout", type=_seconds, default=30.0, metavar="DURATION",
        help="how long open connections may go on after SIGTERM or SIGINT, as in 1m30s (default: 30s)",
    )  # fmt: skip
    add_log_options(parser)
    add_loop_option(parser)


def run(options: argparse.Namespace) -> int:
    from userproxy.cli.table import check_writable
    from userproxy.proxy import node_name_of

    settings = settings_of(options, options.node_name)
    source: Source
    if is_file_source(options):
        source = file_source(options)
    else:
        source = kube_source(options, node_name_of(settings), exclude_headless=True)
    if options.table_file is not None:
        check_writable(options.table_file)
    set_up_logging(options.log_format, options.verbose)
    raise_descriptor_limit()
    return run_loop(options.loop, lambda: serve(source, settings, options.table_file, options.drain_timeout))


async def serve(
    source: Source, settings: Settings, table_file: Path | None = None, drain_timeout_s: float = 30.0
) -> int:
    """Serve ``source`` until SIGTERM or SIGINT, then drain; a second signal ends at once with 128 + n."""
    from userproxy.proxy import Proxy

    async with Proxy(source, settings=settings) as proxy:
        stop = _stop_on_signals(proxy)
        shown = asyncio.create_task(_show(proxy, table_file), name="table")
        done, _ = await asyncio.wait(
            [shown, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED
        )
        if shown in done:
            await shown  # the table failed: raise what it raised
        shown.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await shown
        report = await proxy.drain(drain_timeout_s)
    cut = f", {report.cut} cut at the limit of {drain_timeout_s:g} s" if report.cut else ""
    print(f"stopped: {report.drained} connections ended by themselves{cut}", flush=True)
    return 0


def _stop_on_signals(proxy: Proxy) -> asyncio.Event:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def stopped(number: int) -> None:
        if stop.is_set():
            # At once means at once: the kernel closes everything.
            sys.stdout.flush()
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped, number)
    loop.add_signal_handler(signal.SIGHUP, proxy.reload)
    return stop


async def _show(proxy: Proxy, table_file: Path | None) -> None:
    """Print the table once everything is in force, then one line a change; keep the file the same."""
    from userproxy.cli.table import Table, render
    from userproxy.dataplane.wildcards import wildcard_ports

    # What exists at start lives long: the collector looks at it seldom while it comes, and never again.
    usual = gc.get_threshold()
    gc.set_threshold(GARBAGE_AT_START)
    await proxy.settled(timeout_s=None)
    gc.freeze()
    gc.set_threshold(*usual)
    loop = asyncio.get_running_loop()
    look_at = loop.time()
    table: Table | None = None
    async with contextlib.aclosing(proxy.changes()) as changes:
        async for ports in changes:
            if loop.time() >= look_at:
                wildcards = await asyncio.to_thread(wildcard_ports)
                look_at = loop.time() + WILDCARDS_INTERVAL_S
            if table is None:
                table = Table()
                table.update(ports, wildcards)
                print(render(table.rows()) if ports else "no Service yet", flush=True)
            elif lines := table.update(ports, wildcards):
                print("\n".join(lines), flush=True)
            else:
                continue
            if table_file is not None:
                # Meanwhile changes are folded: a busy cluster costs one write after the other, no more.
                await asyncio.to_thread(_keep, table_file, table.rows())


def _keep(table_file: Path, rows: Sequence[TableRow]) -> None:
    """A disk that is full now may have room later: serving goes on."""
    from userproxy.cli.table import write

    try:
        write(table_file, rows)
    except OSError as error:
        logging.getLogger(__name__).error("--table-file %s: %s", table_file, error.strerror)


def _seconds(text: str) -> float:
    from userproxy.model.durations import parse_duration

    try:
        seconds = float(text) if text.replace(".", "", 1).isdigit() else parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if seconds < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return seconds
