"""The records of each name below the cluster domain (Kubernetes DNS specification 1.1, 2.2 to 2.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address

from dns.name import Name, from_text
from dns.rdata import Rdata
from dns.rdataclass import IN
from dns.rdataset import Rdataset, from_rdata_list
from dns.rdatatype import AAAA, CNAME, NS, SRV, TXT, A, RdataType
from dns.rdtypes.ANY.CNAME import CNAME as CnameRecord
from dns.rdtypes.ANY.NS import NS as NsRecord
from dns.rdtypes.ANY.TXT import TXT as TxtRecord
from dns.rdtypes.IN.A import A as ARecord
from dns.rdtypes.IN.AAAA import AAAA as AaaaRecord
from dns.rdtypes.IN.SRV import SRV as SrvRecord

from userproxy.discovery.dns.directory import Directory, Labels, Owner
from userproxy.discovery.served import ServedPort
from userproxy.model.names import NamespacedName

__all__ = ["EMPTY", "TTL_S", "Records", "ServiceRecords", "full_name", "rdataset"]

Records = Mapping[RdataType, Rdataset]
"""What a name has, by type. Nobody adds to it."""
EMPTY: Records = {}
"""A name that has nothing itself, and exists (RFC 8020)."""
TTL_S = 5
"""As CoreDNS: addresses stay, what is behind a headless Service changes."""
MOST_KEPT = 4096
"""Names whose records are kept until they change."""
SCHEMA_VERSION = "1.1.0"
SRV_PRIORITY = 0
SRV_WEIGHT = 100
"""The same for all: who is chosen is decided behind the address."""


class ServiceRecords:
    """Names below ``domain``. ``server`` is the address that these answers come from."""

    def __init__(self, directory: Directory, domain: str, server: str) -> None:
        self._directory = directory
        self._server = server
        self.apex = from_text(domain)
        self.server_name = from_text("ns.dns", self.apex)
        self._made: dict[tuple[NamespacedName, Labels], tuple[Sequence[ServedPort], Records]] = {}
        """The ports that records were made of, and the records."""

    def at(self, labels: Labels) -> Records | None:
        """What the name has whose labels stand before the domain; None: there is no such name."""
        match labels:
            case ():
                return {NS: rdataset([NsRecord(IN, NS, self.server_name)])}
            case ("dns-version",):
                return {TXT: rdataset([TxtRecord(IN, TXT, [SCHEMA_VERSION])])}
            case ("ns", "dns"):
                return _addresses([self._server])
            case ("svc",) | ("dns",):
                return EMPTY
            case (namespace, "svc"):
                return EMPTY if self._directory.has_namespace(namespace) else None
            case (service, namespace, "svc") if external_name := self._directory.alias(
                NamespacedName(namespace, service)
            ):
                return _alias(external_name)
            case (*_, service, namespace, "svc"):
                return self._kept(labels[:-3], NamespacedName(namespace, service))
        return None

    def _kept(self, own: Labels, service: NamespacedName) -> Records | None:
        """As `_of_service` has them, once for each name until the Service changes."""
        ports = self._directory.ports(service)
        if not ports:
            return None
        made = self._made.get((service, own))
        if made is not None and made[0] is ports:
            return made[1]
        records = self._of_service(own, service, ports)
        if records is not None:  # anybody may ask for names that are not there
            if len(self._made) >= MOST_KEPT:
                self._made.clear()
            self._made[service, own] = ports, records
        return records

    def _of_service(
        self, own: Labels, service: NamespacedName, ports: Sequence[ServedPort]
    ) -> Records | None:
        """What the labels ``own`` before the name of a Service stand for."""
        match own:
            case ():
                return self._of_ports(_in_use(ports))
            case (protocol,) if protocol.startswith("_"):
                return EMPTY if any(port.port_name for port in _over(ports, protocol)) else None
            case (hostname,) if hostname:
                return self._of_ports(self._directory.endpoint_ports(service, hostname))
            case (port_name, protocol) if len(port_name) > 1 and port_name.startswith("_"):
                wanted = [port for port in _over(_in_use(ports), protocol) if port.port_name == port_name[1:]]
                return {SRV: self._srv(wanted)} if wanted else None
        return None

    def _of_ports(self, ports: Sequence[ServedPort]) -> Records | None:
        if not ports:
            return None
        return {**_addresses(port.address for port in ports), SRV: self._srv(ports)}

    def _srv(self, ports: Iterable[ServedPort]) -> Rdataset:
        """One for each number and target: the number is the one that is listened on (rule L1)."""
        wanted = dict.fromkeys((port.port, full_name(port, self.apex)) for port in ports)
        return rdataset(
            [SrvRecord(IN, SRV, SRV_PRIORITY, SRV_WEIGHT, port, target) for port, target in wanted]
        )


def full_name(of: Owner | ServedPort, domain: Name) -> Name:
    """Of a Service, or of an endpoint of a headless one, below the cluster domain."""
    own = (of.hostname, of.service, of.namespace, "svc")
    return from_text(".".join(label for label in own if label), domain)


def _over(ports: Iterable[ServedPort], protocol: str) -> list[ServedPort]:
    """Those of the protocol that a label such as ``_tcp`` names."""
    return [port for port in ports if f"_{port.protocol.lower()}" == protocol]


def _in_use(ports: Sequence[ServedPort]) -> Sequence[ServedPort]:
    """Those that a Service's own name stands for: of a headless one, the endpoints that are ready, if any is.

    With none, all: their addresses refuse, or hold the client (rules T8, L9), where an empty answer would be
    kept by caches.
    """
    usable = {port.hostname for port in ports if port.usable or not port.hostname}
    return [port for port in ports if port.hostname in usable] if usable else ports


def _alias(external_name: str) -> Records:
    if _is_address(external_name):
        return EMPTY
    return {CNAME: rdataset([CnameRecord(IN, CNAME, from_text(external_name))])}


def rdataset(rdatas: Sequence[Rdata]) -> Rdataset:
    """Records of one type, of which there is at least one."""
    return from_rdata_list(TTL_S, rdatas)


def _addresses(addresses: Iterable[str]) -> dict[RdataType, Rdataset]:
    records: dict[RdataType, list[Rdata]] = {}
    for address in dict.fromkeys(addresses):
        if ":" in address:
            records.setdefault(AAAA, []).append(AaaaRecord(IN, AAAA, address))
        else:
            records.setdefault(A, []).append(ARecord(IN, A, address))
    return {kind: rdataset(rdatas) for kind, rdatas in records.items()}


def _is_address(text: str) -> bool:
    """An alias of an address has no record that could say so."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
