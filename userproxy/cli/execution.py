"""A proxy, and the command that it is there for."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from userproxy.cli.command_process import CommandProcess
from userproxy.cli.dialling import pod_dialling
from userproxy.cli.env import DEFAULT_NAMESPACES
from userproxy.cli.followers import Follower, beside
from userproxy.cli.served import say_problems
from userproxy.cli.serving import Serving
from userproxy.errors import UserproxyError

if TYPE_CHECKING:
    from userproxy.cli.dns import DnsFollower
    from userproxy.dataplane.snapshot import PortSnapshot
    from userproxy.discovery import Served, ServedTable
    from userproxy.discovery.private_hosts import PrivateHosts
    from userproxy.model.routes import RouteKey
    from userproxy.proxy import Proxy

__all__ = ["Execution"]

MOST_SAID = 10
"""Ports that are not at their stated number, and are told before the command starts."""
_Changes = AsyncGenerator["Mapping[RouteKey, tuple[PortSnapshot, ...]]"]


@dataclass(frozen=True, slots=True)
class Execution:
    """Serves, starts the command once everything is served, and ends with it."""

    serving: Serving
    process: CommandProcess
    wait_s: float
    """How long the source may take to say what exists."""
    namespaces: tuple[str, ...]
    """Whose Services have short names and variables."""
    cluster_domain: str
    dns: DnsFollower | None = None
    """Answers while the command runs, and before it starts."""

    async def run(self) -> int:
        """The command's exit code. Raises UserproxyError when the source says too little in time."""
        from userproxy.admin.server import AdminServer
        from userproxy.proxy import Proxy

        serving = self.serving
        followers: list[Follower] = [AdminServer().follow]
        if self.dns is not None:
            followers.append(self.dns.follow)
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(self.process.pidfd, ended.set)
        try:
            async with (
                pod_dialling(serving.way_through, serving.half_close) as pod_dialler,
                Proxy(serving.source, settings=serving.settings, pod_dialler=pod_dialler) as proxy,
                beside(proxy, followers),
            ):
                # Ctrl-C may end the child while it waits.
                if await _first(proxy.settled(timeout_s=None), ended, self.wait_s):
                    await self._run_command(proxy, ended)
                elif not ended.is_set():
                    raise UserproxyError(f"not all Services were known after {self.wait_s:g} s (--wait)")
        finally:
            loop.remove_reader(self.process.pidfd)
        return self.process.exit_code()

    async def _run_command(self, proxy: Proxy, ended: asyncio.Event) -> None:
        from userproxy.discovery import ServedTable

        table = ServedTable()
        async with contextlib.aclosing(proxy.changes()) as changes:
            table.update(await anext(changes), proxy.services)
            served = table.now(proxy.services)
            say_problems(_moved(served))
            with contextlib.ExitStack() as stack:
                hosts = self._hosts(stack)
                if self.dns is not None:
                    await _first(self.dns.ready.wait(), ended)
                await self._start(served, hosts)
                await _first(_follow(proxy, changes, table, hosts), ended)

    def _hosts(self, stack: contextlib.ExitStack) -> PrivateHosts | None:
        from userproxy.discovery.hosts_file import HostsFileError
        from userproxy.discovery.private_hosts import PrivateHosts

        try:
            hosts = PrivateHosts(self.namespaces or DEFAULT_NAMESPACES, self.cluster_domain)
        except HostsFileError as error:
            say_problems([f"{error}; the command has variables alone"])
            return None
        return stack.enter_context(hosts)

    async def _start(self, served: Served, hosts: PrivateHosts | None) -> None:
        from userproxy.discovery.link_variables import link_variables

        variables = link_variables(served, self.namespaces or DEFAULT_NAMESPACES)
        names = hosts.write(served) if hosts is not None else None
        say_problems((*variables.problems, *(names.problems if names else ())))
        environment = {**os.environ, **dict(variables.variables)}
        self.process.release(environment, hosts.path if hosts is not None else "")
        why = await asyncio.to_thread(self.process.started)
        if why:
            say_problems([f"no mount namespace of its own here ({why}): the command has variables alone"])
        if hosts is not None:
            hosts.unname()


async def _follow(proxy: Proxy, changes: _Changes, table: ServedTable, hosts: PrivateHosts | None) -> None:
    """Keep the names true while the command runs."""
    async for told in changes:
        if table.update(told, proxy.services) and hosts is not None:
            await asyncio.to_thread(hosts.write, table.now(proxy.services))


async def _first(
    body: Coroutine[None, None, object], ended: asyncio.Event, timeout_s: float | None = None
) -> bool:
    """Whether ``body`` came to its end, before the child did and in time. Raises what it raises."""
    doing = asyncio.ensure_future(body)
    ending = asyncio.ensure_future(ended.wait())
    try:
        await asyncio.wait([doing, ending], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            return False
        doing.result()
        return True
    finally:
        doing.cancel()
        ending.cancel()
        await asyncio.wait([doing, ending])


def _moved(served: Served) -> Iterator[str]:
    """What the name of a Service does not say."""
    moved = [port for port in served.ports if port.moved]
    for port in moved[:MOST_SAID]:
        name = f"{port.hostname}.{port.service}" if port.hostname else port.service
        yield f"{name}.{port.namespace}:{port.service_port} is at port {port.port}"
    if len(moved) > MOST_SAID:
        yield f"and {len(moved) - MOST_SAID} more ports are not at their numbers; variables have them all"
