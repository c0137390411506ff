"""``userproxy run``: serve Services until a signal."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from userproxy.cli.collector import collect_in_short_steps, rare_collections
from userproxy.cli.dialling import pod_dialling
from userproxy.cli.dns import dns_follower
from userproxy.cli.followers import Follower, beside
from userproxy.cli.limits import raise_descriptor_limit
from userproxy.cli.logs import logging_to_stderr
from userproxy.cli.options import duration_s, run_loop
from userproxy.cli.output import LineWriter
from userproxy.cli.serving import Serving, add_serving_options, serving_of
from userproxy.cli.whole_numbers import whole_number
from userproxy.settings import Addresses, UdpSettings

if TYPE_CHECKING:
    from userproxy.cli.table import Table
    from userproxy.cli.table_file import TableFile
    from userproxy.cli.takeover import Takeover
    from userproxy.dataplane.snapshot import PortSnapshot
    from userproxy.model.names import Protocol
    from userproxy.model.routes import RouteKey
    from userproxy.proxy import Proxy
    from userproxy.settings import Settings

__all__ = ["add_arguments", "run", "serve"]

logger = logging.getLogger(__name__)

WORKERS_PER_CORE = 4
"""At most: more only get in each other's way."""
MOST_FLOWS = 1_000_000
FLOWS_SHARE = 0.9
"""Of the descriptors, when it was stated how many flows are wanted."""
FEW_PORTS = 256
"""Service ports of which the table tells in less than 2 ms."""
WILDCARDS_INTERVAL_S = 10.0
"""How often, at most, it is looked for others that listen on every address (rule L7)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_serving_options(parser)
    parser.add_argument(
        "--table-file", type=Path, metavar="FILE", help="keep the table of what is served there, as JSON"
    )
    parser.add_argument(
        "--hosts-file", type=Path, metavar="FILE",
        help="keep a block of names in that hosts file while this runs, short ones for -n (docs/names.md)",
    )  # fmt: skip
    parser.add_argument(
        "--drain-timeout", type=duration_s, default=30.0, metavar="DURATION",
        help="how long open connections may go on after SIGTERM or SIGINT, as in 1m30s (default: 30s)",
    )  # fmt: skip
    parser.add_argument(
        "--takeover", type=Path, metavar="SOCKET",
        help="take over from the userproxy that is found at this Unix socket, and be found there by the next"
        " (docs/upgrades.md)",
    )  # fmt: skip
    parser.add_argument(
        "--workers", type=_workers, default=1, metavar="N",
        help="processes that carry the traffic; auto: one for each core that this one may use (default: 1)",
    )  # fmt: skip
    parser.add_argument(
        "--max-udp-flows", type=_flows, metavar="N",
        help="UDP flows that may be open at once, of all Services or of one; each takes a descriptor, and all"
        " together nine tenths of them at most (default: 8192, of one Service 4096, and half of them)",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    # A reload before there is anything to reload; by default it would end the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    serving = serving_of(options, workers=options.workers, udp=_udp_of(options.max_udp_flows))
    raise_descriptor_limit()
    collect_in_short_steps()
    takeover = _takeover(options.takeover)
    try:
        table_file = _table_file(options.table_file, takeover)
        with logging_to_stderr(options.log_format, options.verbose):
            output = LineWriter(sys.stdout.fileno(), failed=_output_failed)
            try:
                followers = _followers(options, serving.settings, output.say)
                return run_loop(
                    options.loop,
                    lambda: serve(
                        serving, output.say, table_file, options.drain_timeout, takeover, followers
                    ),
                )
            finally:
                output.close()
    finally:
        if takeover is not None:
            takeover.close()


def _followers(options: argparse.Namespace, settings: Settings, say: Callable[[str], None]) -> list[Follower]:
    from userproxy.admin.server import AdminServer

    followers: list[Follower] = [AdminServer().follow]
    if (dns := dns_follower(options, settings, say)) is not None:
        followers.append(dns.follow)
    if options.hosts_file is not None:
        from userproxy.cli.hosts_file import HostsKeeper

        keeper = HostsKeeper(options.hosts_file, options.namespaces, options.cluster_domain)
        followers.append(keeper.follow)
    return followers


def _takeover(path: Path | None) -> Takeover | None:
    if path is None:
        return None
    from userproxy.cli.takeover import Takeover

    return Takeover(path)


def _table_file(path: Path | None, takeover: Takeover | None) -> TableFile | None:
    if path is None:
        return None
    from userproxy.cli.table_file import TableFile

    return TableFile(path, others=takeover is not None and takeover.pending)


def _output_failed(error: OSError) -> None:
    logger.warning("standard output: %s; serving goes on", error.strerror)


async def serve(
    serving: Serving,
    say: Callable[[str], None],
    table_file: TableFile | None,
    drain_timeout_s: float,
    takeover: Takeover | None,
    followers: Sequence[Follower],
) -> int:
    """Serve until SIGTERM or SIGINT, then drain; a second signal ends at once with 128 + n.

    ``say`` takes what people read: the table, its changes, and how the stop went. ``followers`` go on until
    everything is drained.
    """
    from userproxy.proxy import Proxy

    try:
        dormant = takeover is not None and takeover.pending
        async with (
            pod_dialling(serving.way_through, serving.half_close) as pod_dialler,
            Proxy(
                serving.source, settings=serving.settings, pod_dialler=pod_dialler, dormant=dormant
            ) as proxy,
        ):
            stop = _stop_on_signals(proxy)

            def say_change(text: str) -> None:
                if not stop.is_set():  # that everything drains now is no news
                    say(text)

            async def begin_and_show() -> None:
                if takeover is not None:
                    await takeover.begin(proxy, say, table_file, stop.set)
                async with beside(proxy, followers):
                    await _show(proxy, serving.settings, say_change, table_file)

            shown = asyncio.create_task(begin_and_show(), name="table")
            stopping = asyncio.create_task(stop.wait(), name="stop")
            await asyncio.wait([shown, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not shown.done():  # else the table failed, and raises below
                if takeover is not None:
                    await takeover.stop()
                    if takeover.pending:
                        shown.cancel()
                        await asyncio.wait([shown])
                report = await proxy.drain(drain_timeout_s)
                shown.cancel()
            stopping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await shown
    finally:
        if table_file is not None:
            await asyncio.to_thread(table_file.close)
    cut = f", {report.cut} cut at the limit of {drain_timeout_s:g} s" if report.cut else ""
    # Also flows that were idle: "over", as nobody knows whether their clients had more to say.
    say(f"stopped: {report.drained} connections and flows over{cut}")
    return 0


def _stop_on_signals(proxy: Proxy) -> asyncio.Event:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def stopped(number: int) -> None:
        if stop.is_set():
            # At once means at once: nothing is flushed, and the kernel closes everything.
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped, number)
    loop.add_signal_handler(signal.SIGHUP, proxy.reload)
    return stop


async def _show(
    proxy: Proxy, settings: Settings, say: Callable[[str], None], table_file: TableFile | None
) -> None:
    """Say the table once everything is in force, then one line a change; keep the file the same."""
    from userproxy.cli.table import Table, render

    with rare_collections():
        await proxy.settled(timeout_s=None)
    wildcards = _Wildcards(settings)
    table: Table | None = None
    async with contextlib.aclosing(proxy.changes()) as changes:
        async for ports in changes:
            known = await wildcards.known()
            if table is None:
                table = Table()
                await asyncio.to_thread(table.update, ports, known)
                say(await asyncio.to_thread(render, table.rows()) if ports else "no Service yet")
            elif lines := await _updated(table, ports, known):
                say("\n".join(lines))
            else:
                continue
            if table_file is not None:
                # Meanwhile changes are folded: a busy cluster costs one write after the other, no more.
                await asyncio.to_thread(table_file.keep, table.rows())


async def _updated(
    table: Table, ports: Mapping[RouteKey, tuple[PortSnapshot, ...]], known: Collection[tuple[Protocol, int]]
) -> list[str]:
    """Lines for what changed; many at once are made in a thread, so that traffic does not wait for them."""
    if len(ports) <= FEW_PORTS:
        return table.update(ports, known)
    return await asyncio.to_thread(table.update, ports, known)


class _Wildcards:
    """Ports that others listen on at every address, looked for now and then (rule L7)."""

    def __init__(self, settings: Settings) -> None:
        # Without addresses of their own, Services are not asked for at their stated numbers.
        self._concern_us = settings.addresses is Addresses.LOOPBACK
        self._ports: frozenset[tuple[Protocol, int]] = frozenset()
        self._look_at = float("-inf")

    async def known(self) -> frozenset[tuple[Protocol, int]]:
        from userproxy.dataplane.wildcards import wildcard_ports

        now = asyncio.get_running_loop().time()
        if self._concern_us and now >= self._look_at:
            self._ports = await asyncio.to_thread(wildcard_ports)
            self._look_at = now + WILDCARDS_INTERVAL_S
        return self._ports


def _workers(text: str) -> int:
    cores = len(os.sched_getaffinity(0))
    if text == "auto":
        return cores
    most = WORKERS_PER_CORE * cores
    if (number := whole_number(text, 1, most)) is None:
        raise argparse.ArgumentTypeError(f"must be auto or a number from 1 to {most} (here), not {text!r}")
    return number


def _flows(text: str) -> int:
    if (number := whole_number(text, 1, MOST_FLOWS)) is None:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to {MOST_FLOWS}, not {text!r}")
    return number


def _udp_of(max_flows: int | None) -> UdpSettings | None:
    if max_flows is None:
        return None
    return UdpSettings(max_flows=max_flows, max_flows_per_service=max_flows, max_descriptor_share=FLOWS_SHARE)
