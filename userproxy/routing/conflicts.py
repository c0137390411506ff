"""Who keeps an address and port, or a NodePort, that several Services state (rule S10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from userproxy.model.names import NamespacedName, ObjectRef, Protocol
from userproxy.model.problems import Problem, Severity
from userproxy.model.service import Service

__all__ = ["Claim", "Conflicts", "claims_of"]

_NO_CLAIMS: Mapping[Claim, str] = {}


class Claim(NamedTuple):
    """What only one Service can have. ``address`` is "" for a NodePort."""

    address: str
    port: int
    protocol: Protocol

    def __str__(self) -> str:
        if not self.address:
            return f"{self.port}/{self.protocol}"
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}/{self.protocol}"


@dataclass(frozen=True, slots=True)
class _Claimant:
    service: NamespacedName
    created: datetime
    claims: Mapping[Claim, str]

    @property
    def seniority(self) -> tuple[datetime, NamespacedName]:
        return self.created, self.service


class Conflicts:
    """Claims of all served Services. A change costs what it touches: its claims and their rivals."""

    def __init__(self) -> None:
        self._claimants: dict[NamespacedName, _Claimant] = {}
        self._rivals: dict[Claim, dict[NamespacedName, _Claimant]] = {}
        self._winners: dict[Claim, _Claimant] = {}
        """The senior one of the rivals, kept since hundreds of Services may state one address."""

    def replace(
        self, service: NamespacedName, claims: Mapping[Claim, str], creation_timestamp: str = ""
    ) -> set[NamespacedName]:
        """``claims`` (with their fields) are all that ``service`` claims now; empty: it is gone.

        Returns the Services whose `problems` may have changed.
        """
        old = self._claimants.get(service)
        new = _Claimant(service, _created(creation_timestamp), claims) if claims else None
        if old == new:
            return set()
        if old is None and new is not None and not any(claim in self._rivals for claim in claims):
            self._enter(new)
            return set()  # nobody else wants any of it
        touched = {**(old.claims if old else _NO_CLAIMS), **claims}
        before = {claim: self.winner(claim) for claim in touched}
        if old is not None:
            self._withdraw(old)
        if new is not None:
            self._enter(new)
        affected = {service}
        for claim, winner in before.items():
            if self.winner(claim) != winner:
                affected.update(self._rivals.get(claim, ()))
        return affected

    def winner(self, claim: Claim) -> NamespacedName | None:
        """Who keeps ``claim``: the older creationTimestamp, then namespace/name. None: nobody claims it."""
        winner = self._winners.get(claim)
        return winner.service if winner is not None else None

    def problems(self, service: NamespacedName) -> Iterator[Problem]:
        """One for each claim of ``service`` that another Service keeps."""
        claimant = self._claimants.get(service)
        for claim, field in claimant.claims.items() if claimant else ():
            winner = self.winner(claim)
            if winner is not None and winner != service:
                yield Problem(
                    object=ObjectRef("Service", service.namespace, service.name),
                    field=field,
                    value=str(claim),
                    rule="S10",
                    message=f"Service {winner} states it too and keeps it; "
                    "both are served, each on its own local address",
                    severity=Severity.WARNING,
                )

    def _enter(self, claimant: _Claimant) -> None:
        self._claimants[claimant.service] = claimant
        for claim in claimant.claims:
            self._rivals.setdefault(claim, {})[claimant.service] = claimant
            winner = self._winners.get(claim)
            if winner is None or claimant.seniority < winner.seniority:
                self._winners[claim] = claimant

    def _withdraw(self, claimant: _Claimant) -> None:
        del self._claimants[claimant.service]
        for claim in claimant.claims:
            rivals = self._rivals[claim]
            del rivals[claimant.service]
            if not rivals:
                del self._rivals[claim]
                del self._winners[claim]
            elif self._winners[claim] is claimant:
                self._winners[claim] = min(rivals.values(), key=lambda rival: rival.seniority)


def claims_of(service: Service) -> dict[Claim, str]:
    """All that ``service`` states for itself alone, with the field that states it."""
    addresses = [(ip, "spec.clusterIPs") for _, ip in service.cluster_ips]
    addresses += [(ip, "spec.externalIPs") for ip in service.external_ips]
    addresses += [(ip, "status.loadBalancer.ingress") for ip in service.load_balancer_ips]
    claims: dict[Claim, str] = {}
    for port in service.ports:
        if port.protocol is Protocol.SCTP:  # not served (rule S7), so nothing is taken from others
            continue
        for address, field in addresses:
            claims.setdefault(Claim(address, port.port, port.protocol), field)
        if port.node_port is not None:
            claims.setdefault(Claim("", port.node_port, port.protocol), "spec.ports.nodePort")
    return claims


def _created(timestamp: str) -> datetime:
    """RFC 3339 text as a moment; missing or unreadable sorts last."""
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
