"""Gives served Services their local addresses, and says who has none (rules S2, L1)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from userproxy.model.names import Family, NamespacedName, ObjectRef
from userproxy.model.problems import Problem, Severity
from userproxy.routing.loopback import AddressPlan

__all__ = ["Addressing"]


class Addressing:
    """Holds an address for each family of each served Service, out of one plan."""

    def __init__(self, plan: AddressPlan) -> None:
        self._plan = plan
        self._waiting: dict[NamespacedName, tuple[Family, ...]] = {}
        self._freed = False

    def assign(self, service: NamespacedName, families: Collection[Family]) -> dict[Family, str]:
        """The addresses of ``service``, which is served in ``families`` now; none: it gives all back.

        A family that is not served, or that has no address left, is missing in the answer.
        """
        hosts: dict[Family, str] = {}
        short: list[Family] = []
        for family in Family:
            if family not in families:
                self._freed |= self._plan.release(service, family)
            elif self._plan.unserved(family) is None:
                host = self._plan.hold(service, family)
                if host is None:
                    short.append(family)
                else:
                    hosts[family] = host
        if short:
            self._waiting[service] = tuple(short)
        else:
            self._waiting.pop(service, None)
        return hosts

    def unblocked(self) -> tuple[NamespacedName, ...]:
        """Services without an address that may find one now, since another gave its own back."""
        freed, self._freed = self._freed, False
        return tuple(self._waiting) if freed else ()

    def listen_port(self, port: int) -> int:
        """The number to listen on for a service port; 0 lets the kernel choose."""
        return self._plan.listen_port(port)

    def why_unserved(self, service: NamespacedName, family: Family) -> str | None:
        """Why ``service`` is not served in ``family``; None when it is."""
        if family in self._waiting.get(service, ()):
            return f"{family}: every address of the loopback range is taken (--loopback-range)"
        return self._plan.unserved(family)

    def problems(self, service: NamespacedName, families: Collection[Family]) -> Iterator[Problem]:
        """What is worth telling: a full range, and a Service that is served in no family at all.

        A Service that loses one family of two to the configuration is no problem, ``explain`` shows it.
        """
        ref = ObjectRef("Service", service.namespace, service.name)
        for family in self._waiting.get(service, ()):
            message = self.why_unserved(service, family) or ""
            yield Problem(ref, "spec.ipFamilies", family, "L1", message)
        missing = [why for family in families if (why := self._plan.unserved(family))]
        if missing and len(missing) == len(families):
            value = ", ".join(families)
            yield Problem(ref, "spec.ipFamilies", value, "S2", "; ".join(missing), Severity.WARNING)
