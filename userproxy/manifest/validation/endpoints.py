"""Validation of legacy v1 Endpoints (rule D6; Kubernetes API reference, Endpoints v1)."""

from __future__ import annotations

from collections.abc import Mapping

from userproxy.manifest.field_errors import FieldErrors
from userproxy.manifest.names import DNS_LABEL, DNS_SUBDOMAIN, is_dns_subdomain
from userproxy.manifest.validation.addresses import check_ip
from userproxy.manifest.validation.service_ports import check_app_protocol, check_port_name
from userproxy.model.metadata import is_dns_label
from userproxy.model.names import Protocol
from userproxy.model.service_ports import port_number

__all__ = ["check_endpoints"]

Fields = Mapping[str, object]


def check_endpoints(raw: Fields, errors: FieldErrors) -> None:
    """Complete Endpoints. **differs**: loopback addresses are valid."""
    for path, subset in errors.objects("subsets", raw.get("subsets")):
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            errors.require(path, "must specify addresses or notReadyAddresses")
        for field in ("addresses", "notReadyAddresses"):
            for address_path, address in errors.objects(f"{path}.{field}", subset.get(field)):
                _check_address(address_path, address, errors)
        ports = errors.items(f"{path}.ports", subset.get("ports"))
        for port_path, port in errors.objects(f"{path}.ports", ports):
            _check_port(port_path, port, errors, named=len(ports) > 1)


def _check_address(path: str, address: Fields, errors: FieldErrors) -> None:
    check_ip(f"{path}.ip", address.get("ip"), errors, loopback=True)
    hostname, node_name = address.get("hostname"), address.get("nodeName")
    if hostname and not (isinstance(hostname, str) and is_dns_label(hostname)):
        errors.add(f"{path}.hostname", hostname, DNS_LABEL)
    if node_name is not None and not (isinstance(node_name, str) and is_dns_subdomain(node_name)):
        errors.add(f"{path}.nodeName", node_name, DNS_SUBDOMAIN)


def _check_port(path: str, port: Fields, errors: FieldErrors, *, named: bool) -> None:
    check_port_name(f"{path}.name", port.get("name"), errors, required=named)
    if port_number(port.get("port")) is None:
        errors.add(f"{path}.port", port.get("port"), "must be from 1 to 65535")
    errors.check_choice(f"{path}.protocol", port.get("protocol"), list(Protocol))
    check_app_protocol(f"{path}.appProtocol", port.get("appProtocol"), errors)
