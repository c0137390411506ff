"""Validation of a Service (rules D5, S3, S5, S6, S8; Kubernetes API reference, ServiceSpec)."""

from __future__ import annotations

from collections.abc import Mapping

from userproxy.manifest.field_errors import FieldErrors
from userproxy.manifest.names import DNS_SUBDOMAIN, QUALIFIED_NAME, is_dns_subdomain, is_qualified_name
from userproxy.manifest.validation.addresses import check_ip
from userproxy.manifest.validation.cluster_ips import check_cluster_ips
from userproxy.manifest.validation.metadata import check_labels
from userproxy.manifest.validation.service_ports import check_ports
from userproxy.model.addresses import parse_cidr
from userproxy.model.fields import is_object
from userproxy.model.service_ports import port_number

__all__ = ["check_service", "has_health_check"]

_TYPES = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
_POLICIES = ("Cluster", "Local")
_DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")
_LONGEST_AFFINITY_S = 86400
_ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'"

Spec = Mapping[str, object]


def check_service(spec: Spec, errors: FieldErrors) -> None:
    """The spec of a complete Service. What the cluster has to give is checked when it is allocated."""
    errors.check_choice("spec.type", spec.get("type"), _TYPES)
    headless = spec.get("clusterIP") == "None"
    check_ports(spec, errors, required=not headless and spec.get("type") != "ExternalName")
    check_labels("spec.selector", spec.get("selector"), errors)
    if spec.get("type") == "ExternalName":
        _check_external_name(spec, errors)
    elif spec.get("type") in _TYPES:
        check_cluster_ips(spec, errors)
        errors.check_choice("spec.internalTrafficPolicy", spec.get("internalTrafficPolicy"), _POLICIES)
    if headless and spec.get("type") in ("NodePort", "LoadBalancer"):
        errors.add("spec.clusterIPs[0]", "None", f"may not be 'None' for type {spec['type']}")
    _check_affinity(spec, errors)
    for index, address in enumerate(errors.items("spec.externalIPs", spec.get("externalIPs"))):
        check_ip(f"spec.externalIPs[{index}]", address, errors)
    _check_load_balancer(spec, errors)
    _check_external_policy(spec, errors)
    if spec.get("trafficDistribution") is not None:
        errors.check_choice("spec.trafficDistribution", spec["trafficDistribution"], _DISTRIBUTIONS)


def _check_external_name(spec: Spec, errors: FieldErrors) -> None:
    for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if spec.get(field):
            errors.forbid(f"spec.{field}", "may not be set for type ExternalName")
    name = spec.get("externalName")
    if not isinstance(name, str) or not name:
        errors.require("spec.externalName")
    elif not is_dns_subdomain(name.removesuffix(".")):
        errors.add("spec.externalName", name, DNS_SUBDOMAIN)


def _check_affinity(spec: Spec, errors: FieldErrors) -> None:
    errors.check_choice("spec.sessionAffinity", spec.get("sessionAffinity"), ("ClientIP", "None"))
    config = spec.get("sessionAffinityConfig")
    client = config.get("clientIP") if is_object(config) else None
    timeout_s = client.get("timeoutSeconds") if is_object(client) else None
    if spec.get("sessionAffinity") == "ClientIP" and not (
        type(timeout_s) is int and 1 <= timeout_s <= _LONGEST_AFFINITY_S
    ):
        path = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
        errors.add(path, timeout_s, f"must be from 1 to {_LONGEST_AFFINITY_S}")


def _check_load_balancer(spec: Spec, errors: FieldErrors) -> None:
    balanced = spec.get("type") == "LoadBalancer"
    for field in ("loadBalancerSourceRanges", "loadBalancerClass", "allocateLoadBalancerNodePorts"):
        if not balanced and spec.get(field) not in (None, []):
            errors.forbid(f"spec.{field}", _ONLY_LOAD_BALANCER)
    path = "spec.loadBalancerSourceRanges"
    for index, cidr in enumerate(errors.items(path, spec.get("loadBalancerSourceRanges"))):
        try:
            parse_cidr(cidr.strip() if isinstance(cidr, str) else "")
        except ValueError:
            errors.add(f"{path}[{index}]", cidr, "must be a CIDR such as 10.0.0.0/8")
    name = spec.get("loadBalancerClass")
    if name is not None and not (isinstance(name, str) and is_qualified_name(name)):
        errors.add("spec.loadBalancerClass", name, QUALIFIED_NAME)


def _check_external_policy(spec: Spec, errors: FieldErrors) -> None:
    policy = spec.get("externalTrafficPolicy")
    external = spec.get("type") in ("NodePort", "LoadBalancer") or (
        spec.get("type") == "ClusterIP" and bool(spec.get("externalIPs"))
    )
    if external:
        errors.check_choice("spec.externalTrafficPolicy", policy, _POLICIES)
    elif policy:
        message = "may only be set for a Service that can be reached from outside"
        errors.add("spec.externalTrafficPolicy", policy, message)
    number = spec.get("healthCheckNodePort")
    if number and not has_health_check(spec):
        message = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        errors.add("spec.healthCheckNodePort", number, message)
    elif number and port_number(number) is None:
        errors.add("spec.healthCheckNodePort", number, "must be from 1 to 65535")


def has_health_check(spec: Spec) -> bool:
    """The Service has a ``healthCheckNodePort`` (rule S6)."""
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"
