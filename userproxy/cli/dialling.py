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
    from userproxy.sources.base import Source

__all__ = [
    "add_dial_options",
    "add_half_close_option",
    "check_dial_options",
    "pod_dialling",
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


def check_dial_options(source: Source, settings: Settings) -> None:
    """Raises ConfigError where nothing leads through an API server, or several processes would have to share
    what does."""
    if settings.dial_mode is DialMode.PORT_FORWARD and not _goes_through(source, settings):
        raise ConfigError(
            "--dial port-forward: there is no API server to go through; -f is for --dial direct"
        )
    if settings.workers > 1 and _goes_through(source, settings):
        raise ConfigError(
            f"--workers {settings.workers}: pods are reached through the API server by one process alone;"
            " give --dial direct where their addresses can be reached from here"
        )


@contextlib.asynccontextmanager
async def pod_dialling(
    source: Source, settings: Settings, half_close: str
) -> AsyncIterator[PodDialler | None]:
    """What reaches the pods of ``source`` while the block runs; None where all is dialled directly."""
    if not _goes_through(source, settings):
        yield None
        return
    from userproxy.portforward import HalfClose, PodForwarder
    from userproxy.sources.kube.source import KubeSource

    assert isinstance(source, KubeSource)
    async with PodForwarder(source.connection, half_close=HalfClose(half_close)) as forwarder:
        yield forwarder


def _goes_through(source: Source, settings: Settings) -> bool:
    """Whether there is an API server that pods may have to be reached through."""
    from userproxy.sources.kube.source import KubeSource

    if not isinstance(source, KubeSource) or settings.dial_mode is DialMode.DIRECT:
        return False
    return source.remote or settings.dial_mode is DialMode.PORT_FORWARD


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
