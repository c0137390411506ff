"""Validation of an EndpointSlice (rules E2-E4; Kubernetes API reference, EndpointSlice v1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from userproxy.manifest.field_errors import FieldErrors, Reason
from userproxy.manifest.names import DNS_LABEL, DNS_SUBDOMAIN, LABEL_VALUE, is_dns_subdomain, is_label_value
from userproxy.manifest.validation.addresses import check_ip
from userproxy.manifest.validation.service_ports import check_app_protocol, check_port_name
from userproxy.model.fields import is_object
from userproxy.model.metadata import is_dns_label
from userproxy.model.names import Protocol

__all__ = ["check_slice", "check_slice_update"]

_ADDRESS_TYPES = ("IPv4", "IPv6", "FQDN")
_MAX_ENDPOINTS = 1000
_MAX_ADDRESSES = 100
_MAX_PORTS = 100
_MAX_HINTS = 8

Fields = Mapping[str, object]


def check_slice(raw: Fields, errors: FieldErrors) -> None:
    """A complete EndpointSlice. **differs**: loopback addresses are valid.

    Numbers of ports are not checked, as in Kubernetes: a proxy has to cope with them.
    """
    address_type = raw.get("addressType")
    errors.check_choice("addressType", address_type, _ADDRESS_TYPES)
    endpoints = errors.items("endpoints", raw.get("endpoints"))
    if _few("endpoints", endpoints, _MAX_ENDPOINTS, errors):
        for path, endpoint in errors.objects("endpoints", endpoints):
            _check_endpoint(path, endpoint, address_type, errors)
    ports = errors.items("ports", raw.get("ports"))
    if _few("ports", ports, _MAX_PORTS, errors):
        _check_ports(ports, errors)


def check_slice_update(raw: Fields, old: Fields, errors: FieldErrors) -> None:
    """The kind of addresses is what a slice is; another kind is another slice."""
    if raw.get("addressType") != old.get("addressType"):
        errors.add("addressType", raw.get("addressType"), "field is immutable")


def _few(path: str, items: Sequence[object], most: int, errors: FieldErrors) -> bool:
    """True when there are not more than ``most``; what is too long is not looked into."""
    if len(items) > most:
        errors.add(path, len(items), f"must have at most {most} items", Reason.TOO_MANY)
    return len(items) <= most


def _check_endpoint(path: str, endpoint: Fields, address_type: object, errors: FieldErrors) -> None:
    addresses = errors.items(f"{path}.addresses", endpoint.get("addresses"))
    if not addresses:
        errors.require(f"{path}.addresses", "must contain at least 1 address")
    if _few(f"{path}.addresses", addresses, _MAX_ADDRESSES, errors):
        for index, address in enumerate(addresses):
            _check_address(f"{path}.addresses[{index}]", address, address_type, errors)
    hostname, node_name = endpoint.get("hostname"), endpoint.get("nodeName")
    if hostname is not None and not (isinstance(hostname, str) and is_dns_label(hostname)):
        errors.add(f"{path}.hostname", hostname, DNS_LABEL)
    if node_name is not None and not (isinstance(node_name, str) and is_dns_subdomain(node_name)):
        errors.add(f"{path}.nodeName", node_name, DNS_SUBDOMAIN)
    hints = endpoint.get("hints")
    for kind in ("forZones", "forNodes"):
        _check_hints(f"{path}.hints.{kind}", hints.get(kind) if is_object(hints) else None, errors)


def _check_address(path: str, address: object, address_type: object, errors: FieldErrors) -> None:
    if address_type in ("IPv4", "IPv6"):
        check_ip(path, address, errors, family=str(address_type), loopback=True)
    elif address_type == "FQDN" and not (
        isinstance(address, str) and is_dns_subdomain(address.removesuffix(".")) and "." in address
    ):
        errors.add(path, address, "must be a domain name of at least two labels")


def _check_hints(path: str, hints: object, errors: FieldErrors) -> None:
    seen: set[str] = set()
    if _few(path, errors.items(path, hints), _MAX_HINTS, errors):
        for hint_path, hint in errors.objects(path, hints):
            name = hint.get("name")
            if not isinstance(name, str) or not name or not is_label_value(name):
                errors.add(f"{hint_path}.name", name, LABEL_VALUE)
            elif name in seen:
                errors.add(f"{hint_path}.name", name, "", Reason.DUPLICATE)
            else:
                seen.add(name)


def _check_ports(ports: Sequence[object], errors: FieldErrors) -> None:
    seen: set[str] = set()
    for path, port in errors.objects("ports", ports):
        name = port.get("name")
        check_port_name(f"{path}.name", name, errors, required=False)
        if isinstance(name, str):
            if name in seen:
                errors.add(f"{path}.name", name, "", Reason.DUPLICATE)
            seen.add(name)
        errors.check_choice(f"{path}.protocol", port.get("protocol"), list(Protocol))
        check_app_protocol(f"{path}.appProtocol", port.get("appProtocol"), errors)
