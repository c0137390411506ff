"""Validation of ``spec.ports`` of a Service (rule D5)."""

from __future__ import annotations

from collections.abc import Mapping

from userproxy.manifest.field_errors import FieldErrors, Reason
from userproxy.manifest.names import DNS_LABEL, PORT_NAME, QUALIFIED_NAME, is_port_name, is_qualified_name
from userproxy.model.metadata import is_dns_label
from userproxy.model.names import Protocol
from userproxy.model.service_ports import port_number

__all__ = ["check_app_protocol", "check_port_name", "check_ports"]

_KUBELET = 10250


def check_ports(spec: Mapping[str, object], errors: FieldErrors, *, required: bool) -> None:
    """Each port by itself, and that no two say the same."""
    ports = errors.items("spec.ports", spec.get("ports"))
    if required and spec.get("ports") in (None, [], ()):
        errors.require("spec.ports")
    seen: set[tuple[object, ...]] = set()
    for path, port in errors.objects("spec.ports", ports):
        check_port_name(f"{path}.name", port.get("name"), errors, required=len(ports) > 1)
        _check_numbers(path, port, spec.get("type"), errors)
        errors.check_choice(f"{path}.protocol", port.get("protocol"), list(Protocol))
        check_app_protocol(f"{path}.appProtocol", port.get("appProtocol"), errors)
        _check_unique(path, port, seen, errors)


def check_port_name(path: str, name: object, errors: FieldErrors, *, required: bool) -> None:
    """A DNS label; "" only where it is not ``required``."""
    if name is None or name == "":
        if required:
            errors.require(path)
    elif not (isinstance(name, str) and is_dns_label(name)):
        errors.add(path, name, DNS_LABEL)


def check_app_protocol(path: str, name: object, errors: FieldErrors) -> None:
    if name is not None and not (isinstance(name, str) and is_qualified_name(name)):
        errors.add(path, name, QUALIFIED_NAME)


def _check_numbers(path: str, port: Mapping[str, object], service_type: object, errors: FieldErrors) -> None:
    number, target, node_port = port.get("port"), port.get("targetPort"), port.get("nodePort")
    if port_number(number) is None:
        errors.add(f"{path}.port", number, "must be from 1 to 65535")
    elif number == _KUBELET and service_type == "LoadBalancer":
        errors.add(f"{path}.port", number, "may not be the port of the kubelet for type LoadBalancer")
    if target is not None and not (
        is_port_name(target) if isinstance(target, str) else port_number(target) is not None
    ):
        errors.add(f"{path}.targetPort", target, PORT_NAME)
    if node_port and service_type == "ClusterIP":
        errors.forbid(f"{path}.nodePort", "may not be used when `type` is 'ClusterIP'")
    elif node_port and port_number(node_port) is None:
        errors.add(f"{path}.nodePort", node_port, "must be from 1 to 65535")


def _check_unique(
    path: str, port: Mapping[str, object], seen: set[tuple[object, ...]], errors: FieldErrors
) -> None:
    protocol = port.get("protocol")
    for field, scope in (("name", None), ("port", protocol), ("nodePort", protocol)):
        value = port.get(field)
        if not isinstance(value, str | int) or not value or not isinstance(scope, str | None):
            continue
        if (field, value, scope) in seen:
            errors.add(f"{path}.{field}", value, f"for {scope}" if scope else "", Reason.DUPLICATE)
        seen.add((field, value, scope))
