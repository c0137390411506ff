"""From a question to the records that answer it, or the proof that there are none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network
from itertools import islice

from dns.name import Name, from_text
from dns.rcode import NOERROR, NXDOMAIN, SERVFAIL, Rcode
from dns.rdataclass import IN
from dns.rdataset import Rdataset
from dns.rdatatype import AAAA, ANY, CNAME, HINFO, SOA, A, RdataType
from dns.rdtypes.ANY.CNAME import CNAME as CnameRecord
from dns.rdtypes.ANY.HINFO import HINFO as HinfoRecord
from dns.rdtypes.ANY.NS import NS as NsRecord
from dns.rdtypes.ANY.SOA import SOA as SoaRecord
from dns.rdtypes.IN.SRV import SRV as SrvRecord
from dns.rrset import RRset

from userproxy.discovery.dns.directory import Directory, Labels
from userproxy.discovery.dns.reverse_records import DEFAULT_NETWORKS, ReverseRecords
from userproxy.discovery.dns.service_records import TTL_S, Records, ServiceRecords, rdataset

__all__ = ["Answer", "Zones"]

_LONGEST_CHAIN = 8
MOST_TARGETS = 32
"""Whose addresses come along with their names."""
_REFRESH_S, _RETRY_S, _EXPIRE_S = 7200, 1800, 86400
"""For secondary servers, which there are none of; as CoreDNS states them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question gets."""

    rcode: Rcode
    answer: tuple[RRset, ...] = ()
    authority: tuple[RRset, ...] = ()
    additional: tuple[RRset, ...] = ()
    outside: Name | None = None
    """Where the last alias leads that could be followed here."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A name in a zone of ours."""

    apex: Name
    records: Records | None


@dataclass(slots=True)
class _Chain:
    """Aliases that were followed."""

    rrsets: list[RRset] = field(default_factory=list)

    def follow(self, name: Name, target: Name) -> Name:
        self.rrsets.append(_rrset(name, rdataset([CnameRecord(IN, CNAME, target)])))
        return target


class Zones:
    """All names that are answered for: the cluster domain's, and those of addresses in ``networks``.

    ``server`` is the address that answers come from. ``search`` are namespaces whose pods' short names are
    known as well, as if the asking program were in each of them.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        domain: str,
        server: str,
        networks: Iterable[IPv4Network | IPv6Network] = DEFAULT_NETWORKS,
        search: Sequence[str] = (),
    ) -> None:
        self._directory = directory
        self._services = ServiceRecords(directory, domain, server)
        self._domain = self._services.apex
        self._domain_labels = _labels(self._domain)
        self._reverse = ReverseRecords(directory, networks, self._domain, self._services.server_name)
        tails = dict.fromkeys([*((namespace, "svc") for namespace in search), ("svc",), ()] if search else ())
        self._search: tuple[Labels, ...] = tuple(tails)

    def answer(self, name: Name, kind: RdataType) -> Answer | None:
        """The answer in class IN; None when ``name`` is in no zone of ours."""
        chain = _Chain()
        for _ in range(_LONGEST_CHAIN):
            place = self._place(name)
            if place is None and not chain.rrsets and (found := self._searched(name)):
                name = chain.follow(name, found)
                continue
            if place is None:
                return Answer(NOERROR, tuple(chain.rrsets), outside=name) if chain.rrsets else None
            records = place.records
            if records and CNAME in records and kind not in (CNAME, ANY):
                [alias] = records[CNAME]
                assert isinstance(alias, CnameRecord)
                name = chain.follow(name, alias.target)
                continue
            answer = self._last(name, kind, place)
            return replace(answer, answer=(*chain.rrsets, *answer.answer))
        return Answer(SERVFAIL)

    def _place(self, name: Name) -> _Place | None:
        labels = _labels(name)
        before = len(labels) - len(self._domain_labels)
        if before >= 0 and labels[before:] == self._domain_labels:
            return _Place(_end(name, before), self._services.at(labels[:before]))
        reverse = self._reverse.zone_of(labels)
        return None if reverse is None else _Place(_end(name, reverse), self._reverse.at(labels))

    def _searched(self, name: Name) -> Name | None:
        """The full name of what a pod finds by its search list (resolv.conf(5)) as ``name``."""
        labels = _labels(name)
        for tail in self._search:
            if labels and self._services.at((*labels, *tail)):
                return from_text(".".join((*labels, *tail)), self._domain)
        return None

    def _last(self, name: Name, kind: RdataType, place: _Place) -> Answer:
        """What is said of the name that no alias leads on from."""
        if place.records is None:
            return Answer(NXDOMAIN, authority=(self._soa(place.apex),))
        if kind == SOA and name == place.apex:
            return Answer(NOERROR, (self._soa(name),))
        if kind == ANY and place.records:
            # One record that says that there is no more to be had this way (RFC 8482, 4.2).
            return Answer(NOERROR, (_rrset(name, rdataset([HinfoRecord(IN, HINFO, b"RFC8482", b"")])),))
        if rdatas := place.records.get(kind):
            return Answer(NOERROR, (_rrset(name, rdatas),), additional=tuple(self._more(rdatas)))
        return Answer(NOERROR, authority=(self._soa(place.apex),))

    def _soa(self, apex: Name) -> RRset:
        server = self._services.server_name
        person = from_text("hostmaster", self._domain)
        soa = SoaRecord(
            IN, SOA, server, person, self._directory.serial, _REFRESH_S, _RETRY_S, _EXPIRE_S, TTL_S
        )
        return _rrset(apex, rdataset([soa]))

    def _more(self, rdatas: Rdataset) -> Iterable[RRset]:
        """The addresses of what ``rdatas`` name, for those who would ask next."""
        targets = dict.fromkeys(rdata.target for rdata in rdatas if isinstance(rdata, SrvRecord | NsRecord))
        for target in islice(targets, MOST_TARGETS):
            place = self._place(target)
            for kind in (A, AAAA):
                if place is not None and place.records and (found := place.records.get(kind)):
                    yield _rrset(target, found)


def _labels(name: Name) -> Labels:
    """In lower case; octets that no name of ours has stay what they are (RFC 4343)."""
    return tuple([label.lower().decode("latin-1") for label in name.labels[:-1]])


def _end(name: Name, before: int) -> Name:
    """The last labels of ``name``, as they were spelled."""
    return Name(name.labels[before:])


def _rrset(name: Name, rdatas: Rdataset) -> RRset:
    rrset = RRset(name, rdatas.rdclass, rdatas.rdtype)
    rrset.ttl = rdatas.ttl
    rrset.items = rdatas.items  # not copied: a headless Service may have thousands
    return rrset
