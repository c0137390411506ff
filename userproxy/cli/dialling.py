"""How endpoints are reached, as options of several commands, and what makes it so."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING

from userproxy.errors import ConfigError
from userproxy.settings import DialMode, Settings

if TYPE_CHECKING:
    from userproxy.dataplane.pod_dialling import PodDialler
    from userproxy.sources.kube.connection import Connection
    from userproxy.sources.kube.source import KubeSource

__all__ = [
    "add_dial_options",
    "add_half_close_option",
    "pod_dialling",
    "way_through",
    "with_dial_options",
]

_HOLD, _SEND = "hold", "send"


def add_dial_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("endpoints", "how they are reached (docs/port-forward.md)")
    group.add_argument(
        "--dial", choices=[mode.value for mode in DialMode], default=DialMode.AUTO.value,
        help="through the API server, or directly (default: auto: directly from files, in a pod, on a Node)",
    )  # fmt: skip
    group.add_argument(
        "--direct-cidr", action="append", default=[], type=_network, metavar="CIDR", dest="direct_cidrs",
        help="dial these addresses directly in every mode; repeatable",
    )  # fmt: skip


def add_half_close_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port-forward-half-close", choices=[_HOLD, _SEND], default=_HOLD, dest="half_close",
        help="a client's FIN waits for the pod's end, or is sent at once (default: hold)",
    )  # fmt: skip


def with_dial_options(settings: Settings, options: argparse.Namespace) -> Settings:
    """``settings`` with what `add_dial_options` was told."""
    return replace(settings, dial_mode=DialMode(options.dial), direct_cidrs=tuple(options.direct_cidrs))


def way_through(source: KubeSource | None, settings: Settings) -> Connection | None:
    """To the API server that pods may have to be reached through, if so; ``source`` None: there is none.

    Raises ConfigError where nothing leads through an API server, or several processes would have to share
    what does.
    """
    mode = settings.dial_mode
    if source is None:
        if mode is DialMode.PORT_FORWARD:
            raise ConfigError(
                "--dial port-forward: there is no API server to go through; -f is for --dial direct"
            )
        return None
    if mode is DialMode.DIRECT or (mode is DialMode.AUTO and not source.remote):
        return None
    if settings.workers > 1:
        raise ConfigError(
            f"--workers {settings.workers}: pods are reached through the API server by one process alone;"
            " give --dial direct where their addresses can be reached from here"
        )
    return source.connection


@contextlib.asynccontextmanager
async def pod_dialling(connection: Connection | None, half_close: str) -> AsyncIterator[PodDialler | None]:
    """What reaches pods through ``connection`` while the block runs; None where all is dialled directly."""
    if connection is None:
        yield None
        return
    from userproxy.portforward import HalfClose, PodForwarder

    async with PodForwarder(connection, half_close=HalfClose(half_close)) as forwarder:
        yield forwarder


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
