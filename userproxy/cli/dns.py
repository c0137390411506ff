"""``--dns``: names of what a proxy serves, answered while it runs."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING

from userproxy.errors import ConfigError, ListenError
from userproxy.settings import Addresses, Settings

if TYPE_CHECKING:
    from userproxy.discovery.dns.directory import Directory
    from userproxy.discovery.dns.responder import Responder
    from userproxy.discovery.dns.server import DnsServer, SocketAddress
    from userproxy.proxy import Proxy

__all__ = ["DnsFollower", "add_dns_options", "dns_follower"]

logger = logging.getLogger(__name__)

FORWARD_PORT = 53
RETRY_S = 0.5
"""How often it is tried to get an address that was taken."""


def add_dns_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dns", metavar="IP:PORT",
        help="answer names of what is served there, over UDP and TCP, as in 127.0.0.1:1053 (docs/dns.md)",
    )  # fmt: skip
    parser.add_argument(
        "--dns-search", action="append", default=[], metavar="NS",
        help="answer short names too, as pods of this namespace may use them; repeatable, the first wins",
    )  # fmt: skip
    parser.add_argument(
        "--dns-forward", metavar="IP[:PORT]",
        help="ask this DNS server for all other names (default: they are refused)",
    )  # fmt: skip


def dns_follower(
    options: argparse.Namespace, settings: Settings, say: Callable[[str], None]
) -> DnsFollower | None:
    """What ``--dns`` asks for. Raises ConfigError for addresses and namespaces that are none."""
    if options.dns is None:
        for name in ("dns_search", "dns_forward"):
            if getattr(options, name):
                raise ConfigError(f"--{name.replace('_', '-')} is about --dns, which is missing")
        return None
    from userproxy.discovery.dns.directory import Directory
    from userproxy.discovery.dns.forwarding import Forwarder
    from userproxy.discovery.dns.responder import Responder
    from userproxy.discovery.dns.reverse_records import DEFAULT_NETWORKS
    from userproxy.discovery.dns.server import DnsServer
    from userproxy.discovery.dns.zones import Zones
    from userproxy.model.metadata import is_dns_label

    address = _address("--dns", options.dns)
    if ip_address(address.host).is_unspecified:
        raise ConfigError(f"--dns {options.dns}: name one address, so that answers come from where was asked")
    for namespace in options.dns_search:
        if not is_dns_label(namespace):
            raise ConfigError(f"--dns-search {namespace}: is no namespace")
    forwarder = None
    if options.dns_forward is not None:
        server = _address("--dns-forward", options.dns_forward, FORWARD_PORT)
        if server == address or not server.port:
            raise ConfigError(f"--dns-forward {options.dns_forward}: name another DNS server")
        forwarder = Forwarder(*server)
    own = [settings.loopback_range, settings.loopback_range_ipv6]
    networks = [network for network in own if network is not None]
    if settings.loopback_range is None:
        networks += DEFAULT_NETWORKS
    directory = Directory(int(time.time()))  # grows over restarts too, as changes are fewer than seconds
    zones = Zones(
        directory,
        domain=options.cluster_domain,
        server=address.host,
        networks=networks if settings.addresses is Addresses.LOOPBACK else (),
        search=options.dns_search,
    )
    responder = Responder(zones, forwards=forwarder is not None)
    return DnsFollower(directory, responder, DnsServer(address, responder, forwarder), say)


class DnsFollower:
    """Keeps one DNS server up and true. An address that cannot be had is said once and tried again."""

    def __init__(
        self, directory: Directory, responder: Responder, server: DnsServer, say: Callable[[str], None]
    ) -> None:
        self._directory = directory
        self._responder = responder
        self._server = server
        self._say = say
        self.ready = asyncio.Event()
        """All that exists is known, so names have their answers."""

    async def follow(self, proxy: Proxy) -> None:
        """Answer until cancelled; with failures until all that exists is known."""
        serving = asyncio.create_task(self._serve(), name="DNS server")
        try:
            await proxy.settled(timeout_s=None)
            async with contextlib.aclosing(proxy.changes()) as changes:
                async for ports in changes:
                    self._directory.update(ports, proxy.services, proxy.external_names)
                    self._responder.synced = True
                    self.ready.set()
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving

    async def _serve(self) -> None:
        said = ""
        while True:
            try:
                async with self._server as server:
                    self._say(f"DNS at {server.address}, UDP and TCP")
                    await asyncio.Event().wait()
            except ListenError as error:
                if str(error) != said:
                    said = str(error)
                    logger.warning("--dns %s; the rest works, and this is tried again", said)
                await asyncio.sleep(RETRY_S)


def _address(option: str, text: str, default_port: int | None = None) -> SocketAddress:
    """Raises ConfigError for what is no IP address with a port."""
    from userproxy.discovery.dns.server import SocketAddress

    host, colon, port = text.rpartition(":")
    if not colon or (default_port is not None and text.count(":") > 1 and "]:" not in text):
        host, port = text, "" if default_port is None else str(default_port)
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    good = port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535
    try:
        address = str(ip_address(host))
    except ValueError:
        good = False
    if not good or "%" in host:
        example = "127.0.0.1:1053" if default_port is None else "192.0.2.1 or 192.0.2.1:53"
        raise ConfigError(f"{option} {text}: has to be an IP address and a port, as in {example}")
    return SocketAddress(address, int(port))
