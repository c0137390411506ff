"""Frozen settings, with their units in the names. Defaults cite where they come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

__all__ = ["Addresses", "DialMode", "DialSettings", "Limits", "Settings", "UdpSettings"]


class Addresses(StrEnum):
    """How service ports get their listening address (rule L1)."""

    LOOPBACK = "loopback"
    """Each Service has its own address in ``loopback_range``, with its real ports."""
    EPHEMERAL = "ephemeral"
    """Every port is on 127.0.0.1 (or ::1) with a number that the kernel chooses."""


class DialMode(StrEnum):
    """How endpoints are reached."""

    AUTO = "auto"
    """Directly from inside of a cluster, and where objects come from files; else through the API server."""
    DIRECT = "direct"
    """At their addresses."""
    PORT_FORWARD = "port-forward"
    """Through the API server, all that have a Pod."""


@dataclass(frozen=True, slots=True)
class DialSettings:
    """How an endpoint is dialled (rule B4)."""

    timeouts_s: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0)
    """Time limit of each attempt; their number bounds the attempts. kube-proxy 1.20, userspace mode."""
    hold_retry_s: float = 0.25
    """Pause between two rounds of dials while a connection is held (rule L9)."""


@dataclass(frozen=True, slots=True)
class UdpSettings:
    """Limits of UDP flows (rules C3, C4)."""

    unreplied_timeout_s: float = 30.0
    """Idle limit of a flow without an answer; conntrack.udpTimeout of kube-proxy."""
    stream_timeout_s: float = 120.0
    """Idle limit of a flow with an answer; conntrack.udpStreamTimeout of kube-proxy."""
    max_flows: int = 8192
    """Flows of the process; each costs one descriptor. Over it, the oldest idle one goes."""
    max_flows_per_service: int = 4096
    max_descriptor_share: float = 0.5
    """What part of the descriptors flows may take: they idle for minutes, and connections want theirs."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What keeps one Service, or all of them, from eating the process. Over a limit: reset and counted."""

    max_connections: int | None = None
    """TCP connections of the process; None: as many as the descriptors allow (two each)."""
    max_connections_per_service: int | None = None
    """TCP connections of one service port; annotation ``userproxy.dev/max-connections`` wins."""
    max_held_per_service: int = 1024
    """Connections that wait for an endpoint (rule L9)."""
    reserved_descriptors: int = 64
    """Descriptors that the data plane leaves free, so that the watch and the log go on working."""
    max_splice_pipes: int = 32
    """Pipes of 1 MiB that bulk directions may use at once (design: 32 MiB for the process)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All that a `Proxy` can be told. Everything has a default that works without privilege."""

    node_name: str = ""
    """This node's name (rule N1); "": the host name, trimmed and lower case."""
    addresses: Addresses = Addresses.LOOPBACK
    loopback_range: IPv4Network | None = None
    """None: 127.1.0.0 to 127.254.255.255 (rule L1)."""
    loopback_range_ipv6: IPv6Network | None = None
    """None: IPv6 Services are not served in loopback mode; a range must be local to this host."""
    dial_mode: DialMode = DialMode.AUTO
    direct_cidrs: tuple[IPv4Network | IPv6Network, ...] = ()
    """Endpoints that are dialled directly in every mode, as their addresses are the cluster's here too."""
    workers: int = 1
    """Processes that carry the traffic; 1: this one (docs/workers.md)."""
    drain_timeout_s: float = 30.0
    """How long `Proxy` lets connections end by themselves when it stops."""
    min_sync_period_s: float = 0.0
    """Least time between two publications (rule R10). 0: at once, folded within one loop turn."""
    dial: DialSettings = field(default_factory=DialSettings)
    udp: UdpSettings = field(default_factory=UdpSettings)
    limits: Limits = field(default_factory=Limits)
