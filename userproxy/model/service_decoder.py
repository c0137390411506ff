"""A Service from its raw JSON (sections D and S)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum

from userproxy.model.events import Rejected, Upsert
from userproxy.model.fields import Fields
from userproxy.model.findings import shorten
from userproxy.model.metadata import is_dns_subdomain, open_object, read_label, read_metadata
from userproxy.model.service import Service, ServiceType, TrafficPolicy
from userproxy.model.service_addresses import (
    read_cluster_addresses,
    read_external_ips,
    read_load_balancer_ips,
    read_source_ranges,
)
from userproxy.model.service_ports import port_number, read_service_ports

__all__ = ["decode_service"]

_SERVICE_PROXY_NAME = "service.kubernetes.io/service-proxy-name"
_AS_SERVED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
"""An RFC 3339 time in UTC, as API servers write it."""
_AFFINITY_S = 10800
_LONGEST_AFFINITY_S = 86400


class _Affinity(StrEnum):
    """``spec.sessionAffinity``."""

    NONE = "None"
    CLIENT_IP = "ClientIP"


def decode_service(raw: object, *, origin: str = "") -> Upsert | Rejected:
    """The Service that ``raw`` says, or why it is refused whole (rule D7). Never raises.

    ``kind`` and ``apiVersion`` may be absent, as in a list of the API server. An empty ``clusterIP`` is
    kept as no cluster address: what that means depends on the source (rule S1).
    """
    top = open_object(raw, "Service", origin)
    findings = top.findings
    if findings.refused:
        return findings.reject()
    metadata = read_metadata(top, name_is_label=True)
    spec = top.section("spec", refuse=True)
    service_type = spec.choice("type", ServiceType.CLUSTER_IP, rule="D1")
    cluster = read_cluster_addresses(spec)
    external_policy = spec.choice("externalTrafficPolicy", TrafficPolicy.CLUSTER, rule="S8")
    ports_required = not cluster.headless and service_type is not ServiceType.EXTERNAL_NAME
    proxy_name = read_label(metadata, _SERVICE_PROXY_NAME, findings)
    service = Service(
        metadata.namespace,
        metadata.name,
        service_type,
        read_service_ports(spec, service_type, metadata.annotations, required=ports_required),
        cluster.headless,
        cluster.ips,
        cluster.families,
        cluster.families_stated,
        session_affinity_s=_read_affinity(spec),
        internal_traffic_policy=spec.choice("internalTrafficPolicy", TrafficPolicy.CLUSTER, rule="S8"),
        external_traffic_policy=external_policy,
        allocate_node_ports=spec.flag("allocateLoadBalancerNodePorts", default=True, rule="D1"),
        external_ips=read_external_ips(spec),
        load_balancer_ips=read_load_balancer_ips(top),
        source_ranges=read_source_ranges(spec),
        health_check_node_port=_read_health_check_node_port(spec, service_type, external_policy),
        external_name=_read_external_name(spec, service_type),
        service_proxy_name=None if proxy_name is None else shorten(proxy_name),
        creation_timestamp=_read_creation_timestamp(top),
    )
    return findings.outcome(service)


def _read_affinity(spec: Fields) -> int | None:
    """The time-out of ClientIP affinity, None without affinity (rules B2, D1)."""
    if spec.choice("sessionAffinity", _Affinity.NONE, rule="B2") is _Affinity.NONE:
        return None
    client_ip = spec.section("sessionAffinityConfig").section("clientIP")
    value = client_ip.raw("timeoutSeconds")
    if value is None:
        return _AFFINITY_S
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _LONGEST_AFFINITY_S:
        return value
    message = f"must be a number from 1 to {_LONGEST_AFFINITY_S}; {_AFFINITY_S} is used"
    spec.findings.warn(client_ip.path("timeoutSeconds"), value, message, rule="B2")
    return _AFFINITY_S


def _read_health_check_node_port(
    spec: Fields, service_type: ServiceType, external_policy: TrafficPolicy
) -> int | None:
    """The port of the health check, where it means something (rule S6)."""
    value = spec.raw("healthCheckNodePort")
    used = service_type is ServiceType.LOAD_BALANCER and external_policy is TrafficPolicy.LOCAL
    if value is None or not used:
        return None
    port = port_number(value)
    if port is None:
        message = "must be a number from 1 to 65535; there is no health check"
        spec.findings.error(spec.path("healthCheckNodePort"), value, message, rule="S6")
    return port


def _read_external_name(spec: Fields, service_type: ServiceType) -> str:
    """What the name of an ExternalName Service stands for."""
    if service_type is not ServiceType.EXTERNAL_NAME:
        return ""
    value = spec.text("externalName", rule="S1") or ""
    name = value.removesuffix(".").lower()
    if is_dns_subdomain(name):
        return name
    message = "must be a DNS name; the Service stands for nothing"
    spec.findings.error(spec.path("externalName"), value, message, rule="S1")
    return ""


def _read_creation_timestamp(top: Fields) -> str:
    """``metadata.creationTimestamp`` in UTC, so that text sorts as time does (rule S10)."""
    metadata = top.section("metadata")
    text = metadata.text("creationTimestamp", rule="S10")
    if not text:
        return ""
    try:
        created = datetime.fromisoformat(text)
        if _AS_SERVED.fullmatch(text):
            return text
        if created.tzinfo is None:
            raise ValueError
        return created.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError):
        message = "is not an RFC 3339 time; the Service counts as the youngest"
        metadata.findings.warn(metadata.path("creationTimestamp"), text, message, rule="S10")
        return ""
