"""The addresses of a Service: cluster IPs and families (S2), external IPs, VIPs, source ranges (S3-S5).

Each is judged by itself: a bad one is a problem and left out, the others count.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from userproxy.model.addresses import parse_cidr, parse_ip
from userproxy.model.fields import Fields, is_object
from userproxy.model.findings import Findings
from userproxy.model.names import FAMILIES, Family

__all__ = [
    "ClusterAddresses",
    "read_cluster_addresses",
    "read_external_ips",
    "read_load_balancer_ips",
    "read_source_ranges",
]

_HEADLESS = "None"
_Address = tuple[Family, str]


class ClusterAddresses(NamedTuple):
    """What ``clusterIP``, ``clusterIPs`` and ``ipFamilies`` say together."""

    headless: bool
    families: tuple[Family, ...]
    ips: tuple[_Address, ...]
    families_stated: bool


def read_cluster_addresses(spec: Fields) -> ClusterAddresses:
    """Families, and the stated address of each (rule S2).

    With ``ipFamilies`` an address is that of ``clusterIPs`` at the same index, without it ``clusterIP``
    alone counts. ``clusterIP`` and the first of ``clusterIPs`` stand in for each other (rule D1).
    """
    single = spec.text("clusterIP", rule="S2") or ""
    if (plain := _single_stack(spec, single)) is not None:
        return plain
    entries = _indexed(spec, "clusterIPs")
    stated = _stated_families(spec)
    families = tuple(dict.fromkeys(family for family in stated if family is not None))
    if single == _HEADLESS or (not single and entries and entries[0][1] == _HEADLESS):
        return ClusterAddresses(True, families or (Family.IPV4,), (), bool(families))
    first = _address(single, spec.path("clusterIP"), spec.findings, rule="S2")
    indexed = [_address(entry, path, spec.findings, rule="S2") for path, entry in entries] or [first]
    if first and first != indexed[0]:
        message = "is not the first of clusterIPs, which counts where ipFamilies are stated"
        spec.findings.warn(spec.path("clusterIP"), single, message, rule="S2")
    if families:
        return ClusterAddresses(False, families, _by_family(stated, indexed, spec), True)
    found = [address for address in indexed if address]
    families = tuple(dict.fromkeys(family for family, _ in found)) or (Family.IPV4,)
    alone = first if single else indexed[0]
    return ClusterAddresses(False, families, (alone,) if alone else (), False)


def _single_stack(spec: Fields, single: str) -> ClusterAddresses | None:
    """One address of one family, as nearly all Services state it; None for anything else."""
    families = next((only for only in _ONLY if spec.raw("ipFamilies") == [*only]), None)
    if families is None or spec.raw("clusterIPs") != [single]:
        return None
    try:
        address = parse_ip(single)
    except ValueError:
        return None
    return ClusterAddresses(False, families, (address,), True) if address[0] is families[0] else None


_ONLY = tuple((family,) for family in Family)


def read_external_ips(spec: Fields) -> tuple[str, ...]:
    """``externalIPs`` (rule S3)."""
    entries = _indexed(spec, "externalIPs")
    if not entries:
        return ()
    return _texts(_address(value, path, spec.findings, rule="S3") for path, value in entries)


def read_load_balancer_ips(top: Fields) -> tuple[str, ...]:
    """The VIPs of ``status.loadBalancer.ingress`` that are to be captured (rules S3, S4)."""
    ingress = _indexed(top.section("status").section("loadBalancer"), "ingress")
    if not ingress:
        return ()
    return _texts(_vip(entry, path, top.findings) for path, entry in ingress)


def read_source_ranges(spec: Fields) -> tuple[str, ...]:
    """The valid ``loadBalancerSourceRanges`` of both families (rules S3, S5)."""
    entries = _indexed(spec, "loadBalancerSourceRanges")
    if not entries:
        return ()
    return _texts(_source_range(value, path, spec.findings) for path, value in entries)


def _vip(entry: object, path: str, findings: Findings) -> _Address | None:
    if not is_object(entry):
        findings.error(path, entry, "must be an object; it is left out", rule="S4")
        return None
    mode = entry.get("ipMode")
    if entry.get("ip") is None or mode == "Proxy":
        return None
    if mode is not None and mode != "VIP":
        message = "must be VIP or Proxy; the address is not captured"
        findings.warn(f"{path}.ipMode", mode, message, rule="S4")
        return None
    return _address(entry["ip"], f"{path}.ip", findings, rule="S3")


def _address(value: object, path: str, findings: Findings, *, rule: str) -> _Address | None:
    """The address, or None: "" silently, anything else that is no address with a problem (rule S3)."""
    if value == "":
        return None
    if isinstance(value, str):
        try:
            return parse_ip(value)
        except ValueError:
            pass
    findings.error(path, value, "is not an IP address; it is left out", rule=rule)
    return None


def _source_range(value: object, path: str, findings: Findings) -> _Address | None:
    if isinstance(value, str):
        stripped = value.strip()
        if not stripped:
            return None
        try:
            return parse_cidr(stripped)
        except ValueError:
            pass
    findings.error(path, value, "is not a CIDR; it is left out", rule="S3")
    return None


def _indexed(fields: Fields, key: str) -> list[tuple[str, object]]:
    """The entries of a list, each with its path."""
    entries = fields.entries(key)
    if not entries:
        return []
    path = fields.path(key)
    return [(f"{path}[{index}]", entry) for index, entry in enumerate(entries)]


def _texts(addresses: Iterable[_Address | None]) -> tuple[str, ...]:
    """Each once, in their order."""
    return tuple(dict.fromkeys(address[1] for address in addresses if address))


def _stated_families(spec: Fields) -> list[Family | None]:
    """``ipFamilies`` index by index, None where an entry is bad or a repetition."""
    stated: list[Family | None] = []
    for path, entry in _indexed(spec, "ipFamilies"):
        family = FAMILIES.get(entry) if isinstance(entry, str) else None
        if family is None or family in stated:
            message = "must be IPv4 or IPv6, each once; it is left out"
            spec.findings.warn(path, entry, message, rule="S2")
            family = None
        stated.append(family)
    return stated


def _by_family(
    stated: list[Family | None], addresses: list[_Address | None], spec: Fields
) -> tuple[_Address, ...]:
    """The address of each family, which stands at the index of the family."""
    ips = []
    for index, (family, address) in enumerate(zip(stated, addresses, strict=False)):
        if family is None or address is None:
            continue
        if address[0] is family:
            ips.append(address)
        else:
            message = f"is not of family {family}, as ipFamilies[{index}] says; it is left out"
            spec.findings.error(f"{spec.path('clusterIPs')}[{index}]", address[1], message, rule="S2")
    return tuple(ips)
