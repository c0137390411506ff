"""Validation of the cluster addresses of a Service and of their families."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from userproxy.manifest.field_errors import FieldErrors
from userproxy.model.addresses import parse_ip

__all__ = ["check_cluster_ips"]

_FAMILIES = ("IPv4", "IPv6")
_POLICIES = ("SingleStack", "PreferDualStack", "RequireDualStack")


def check_cluster_ips(spec: Mapping[str, object], errors: FieldErrors) -> None:
    """``clusterIP``, ``clusterIPs``, ``ipFamilies`` and ``ipFamilyPolicy`` agree with each other."""
    path = "spec.clusterIPs"
    addresses = errors.items(path, spec.get("clusterIPs"))
    families = errors.items("spec.ipFamilies", spec.get("ipFamilies"))
    if addresses and addresses[0] != spec.get("clusterIP"):
        errors.add(path, addresses, "the first one must be that of clusterIP")
    if len(addresses) > 2:
        errors.add(path, addresses, "may only hold up to 2 values")
    if "None" in addresses and len(addresses) > 1:
        errors.add(path, addresses, "'None' must be the first and only value")
    elif addresses and addresses[0] != "None":
        _check_addresses(path, addresses, families, errors)
    for index, stated in enumerate(families):
        errors.check_choice(f"spec.ipFamilies[{index}]", stated, _FAMILIES)
    if spec.get("ipFamilyPolicy") is not None:
        errors.check_choice("spec.ipFamilyPolicy", spec["ipFamilyPolicy"], _POLICIES)


def _check_addresses(
    path: str, addresses: Sequence[object], families: Sequence[object], errors: FieldErrors
) -> None:
    """Each is an address of the family that stands beside it, and no family is there twice."""
    found = [_family(address) for address in addresses]
    for index, (address, family) in enumerate(zip(addresses, found, strict=True)):
        if family is None:
            errors.add(f"{path}[{index}]", address, "must be an IP address")
        elif index < len(families) and families[index] != family:
            errors.add(f"{path}[{index}]", address, f"must be of the family of ipFamilies[{index}]")
    if len(found) > 1 and found[0] == found[1] is not None:
        errors.add(path, addresses, "may have one address of each family")


def _family(address: object) -> str | None:
    try:
        return str(parse_ip(address)[0]) if isinstance(address, str) else None
    except ValueError:
        return None
