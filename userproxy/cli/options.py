"""Options that several commands share, and what they say: a source, settings, a loop."""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import sys
from collections.abc import Callable, Coroutine, Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from userproxy.cli.whole_numbers import LARGEST, whole_number
from userproxy.errors import ConfigError
from userproxy.settings import Addresses, Settings

if TYPE_CHECKING:
    from userproxy.sources.files import FileSource
    from userproxy.sources.kube.source import KubeSource

__all__ = [
    "add_address_options",
    "add_cluster_domain_option",
    "add_file_option",
    "add_loop_option",
    "add_pid_option",
    "add_source_options",
    "announce_input",
    "chosen_settings",
    "duration_s",
    "file_source",
    "is_file_source",
    "kube_source",
    "run_loop",
    "settings_of",
]

_LOOPBACK = IPv4Network("127.0.0.0/8")


def add_file_option(
    parser: argparse.ArgumentParser | argparse._ArgumentGroup, *, required: bool = False
) -> None:
    parser.add_argument(
        "-f", "--filename", action="append", default=[], metavar="PATH", dest="files", required=required,
        help="a manifest, a folder of manifests, or - for standard input; repeatable",
    )  # fmt: skip


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Where objects come from, which of them, and which node this is."""
    source = parser.add_argument_group(
        "source", "-f, or a cluster: the first of these that is given or found"
    )
    add_file_option(source)
    source.add_argument("--kubeconfig", metavar="FILE", help="default: KUBECONFIG, then ~/.kube/config")
    source.add_argument("--context", metavar="NAME", help="default: the kubeconfig's current context")
    source.add_argument("--server", metavar="URL", help="an API server, without credentials")
    parser.add_argument(
        "-n", "--namespace", action="append", default=[], metavar="NS", dest="namespaces",
        help="serve only this namespace; repeatable (default: all)",
    )  # fmt: skip
    parser.add_argument("-l", "--selector", default="", help="serve only Services with these labels")
    parser.add_argument(
        "--node-name",
        default="",
        metavar="NAME",
        help="this node, for locality and hints (default: host name)",
    )


def add_address_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--addresses", choices=["loopback", "ephemeral"],
        help="an address for each Service out of 127.0.0.0/8, or 127.0.0.1 with ports that the kernel chooses"
        " (default: loopback where the host has such addresses)",
    )  # fmt: skip
    parser.add_argument(
        "--loopback-range", action="append", default=[], metavar="CIDR", dest="ranges",
        help="where Services get their addresses from; once for each family (default: 127.1.0.0 to"
        " 127.254.255.255, and no IPv6)",
    )  # fmt: skip


def add_cluster_domain_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cluster-domain", type=_cluster_domain, default="cluster.local", metavar="DOMAIN",
        help="what the full names of Services end with (default: cluster.local)",
    )  # fmt: skip


def add_pid_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pid", type=_pid, metavar="N", help="which running userproxy is asked, where there are several"
    )


def _pid(text: str) -> int:
    if (number := whole_number(text, 1, LARGEST)) is None:
        raise argparse.ArgumentTypeError(f"must be the number of a process, not {text!r}")
    return number


def _cluster_domain(text: str) -> str:
    from userproxy.discovery.cluster_domain import cluster_domain

    try:
        return cluster_domain(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_loop_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--loop", choices=["uvloop", "asyncio"], default="uvloop", help="event loop (default: uvloop)"
    )


def duration_s(text: str) -> float:
    """Seconds of a Go duration or of a plain number, for an option. Raises ArgumentTypeError."""
    from userproxy.model.durations import parse_duration

    try:
        seconds = float(text) if text.replace(".", "", 1).isdigit() else parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if seconds < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return seconds


def announce_input(paths: Iterable[str]) -> None:
    """Say that standard input is read, to a person who may wonder why nothing happens."""
    if "-" in paths and sys.stdin.isatty():
        with contextlib.suppress(OSError):
            print("userproxy: reading standard input", file=sys.stderr)


def is_file_source(options: argparse.Namespace) -> bool:
    """Whether objects come from files. Raises ConfigError when they would come from a cluster as well."""
    if options.files:
        for name in ("kubeconfig", "context", "server"):
            if getattr(options, name) is not None:
                raise ConfigError(f"-f and --{name} cannot be combined: files or a cluster")
    return bool(options.files)


def file_source(options: argparse.Namespace) -> FileSource:
    """The source of ``-f``. Raises ConfigError for a path that is missing."""
    from userproxy.sources.files import FileSource

    announce_input(options.files)
    return FileSource(options.files, namespaces=options.namespaces, selector=options.selector)


def kube_source(options: argparse.Namespace, node_name: str, *, exclude_foreign: bool = True) -> KubeSource:
    """The source of a cluster, without the Services of another proxy unless asked for.

    Raises ConfigError when none is given or found, or it cannot be used."""
    from userproxy.sources.kube.lookup import find_connection
    from userproxy.sources.kube.source import KubeSource

    connection = find_connection(
        kubeconfig=Path(options.kubeconfig) if options.kubeconfig is not None else None,
        context=options.context,
        server=options.server,
        environ=os.environ,
        home=_home(),
    )
    return KubeSource(
        connection,
        namespaces=options.namespaces,
        selector=options.selector,
        node_name=node_name,
        node_optional=not options.node_name,  # the host name of a laptop is no Node's
        exclude_foreign=exclude_foreign,
    )


def _home() -> Path:
    """Where ~/.kube/config is looked for; below /dev/null, where nothing is, for a user without a home."""
    try:
        return Path.home()
    except RuntimeError:  # no HOME, and no such user
        return Path(os.devnull)


def settings_of(options: argparse.Namespace, node_name: str = "") -> Settings:
    """Settings from `add_address_options`. Raises ConfigError as `chosen_settings` does."""
    return chosen_settings(addresses=options.addresses, ranges=options.ranges, node_name=node_name)


def chosen_settings(
    *, addresses: str | None = None, ranges: Iterable[str] = (), node_name: str = ""
) -> Settings:
    """What is not said is chosen as this host allows.

    Raises ConfigError for a range that is no CIDR, too small, or not local to this host (rule L1).
    """
    networks: dict[int, IPv4Network | IPv6Network] = {}
    for text in ranges:
        try:
            network = ip_network(text)
        except ValueError as error:
            raise ConfigError(f"--loopback-range {text}: {error}") from error
        if network.version in networks:
            raise ConfigError(f"--loopback-range {text}: a second range for IPv{network.version}")
        networks[network.version] = _checked(network)
    ipv4, ipv6 = networks.get(4), networks.get(6)
    assert ipv4 is None or isinstance(ipv4, IPv4Network)
    assert ipv6 is None or isinstance(ipv6, IPv6Network)
    return Settings(
        node_name=node_name,
        addresses=_addresses(addresses, ipv4),
        loopback_range=ipv4,
        loopback_range_ipv6=ipv6,
    )


def _addresses(wanted: str | None, ipv4: IPv4Network | None) -> Addresses:
    if wanted is not None:
        return Addresses(wanted)
    first = str(ipv4[1]) if ipv4 is not None else "127.1.0.1"
    return Addresses.LOOPBACK if _is_local(first) else Addresses.EPHEMERAL  # macOS has only 127.0.0.1


def _checked(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    if network.num_addresses < 256:
        raise ConfigError(f"--loopback-range {network}: smaller than 256 addresses")
    if isinstance(network, IPv4Network) and network.subnet_of(_LOOPBACK):
        return network
    for address in (network[1], network[-2]):
        if not _is_local(str(address)):
            raise ConfigError(
                f"--loopback-range {network}: {address} is not local to this host"
                f" (as root: {_making_local(network)})"
            )
    return network


def _making_local(network: IPv4Network | IPv6Network) -> str:
    """The commands; IPv6 has no address of such a range of its own, so binding to it must be allowed."""
    if network.version == 4:
        return f"ip route add local {network} dev lo"
    return f"ip -6 route add local {network} dev lo && sysctl net.ipv6.ip_nonlocal_bind=1"


def _is_local(address: str) -> bool:
    """Whether a socket can be bound there."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def run_loop(loop: str, body: Callable[[], Coroutine[object, object, int]]) -> int:
    """Run ``body`` on the chosen loop and return its exit code."""
    if loop == "uvloop":
        import uvloop

        return uvloop.run(body())
    import asyncio

    return asyncio.run(body())
