"""All objects as last said, and the routes that follow from them: events in, differences out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from types import MappingProxyType

from userproxy.model.endpoints import EndpointSlice
from userproxy.model.events import Delete, Event, Rejected, SourceProblems, Synced, Upsert
from userproxy.model.names import Family, NamespacedName, ObjectRef, owner
from userproxy.model.node import Node
from userproxy.model.problems import Problem
from userproxy.model.routes import Route, RouteChanges, RouteKey
from userproxy.model.service import Service
from userproxy.routing.addressing import Addressing
from userproxy.routing.conflicts import Conflicts, claims_of
from userproxy.routing.derivation import port_selection, route_of, why_ignored, why_port_ignored
from userproxy.routing.headless import EndpointService, endpoint_services
from userproxy.routing.loopback import AddressPlan
from userproxy.routing.node import NodeFacts
from userproxy.routing.problems import ProblemBoard, Topic
from userproxy.routing.reach import Reach, ReachPolicy
from userproxy.routing.slices import SliceCache
from userproxy.routing.table import Difference, RouteTable

__all__ = ["State"]

_ENDPOINTS_PER_STEP = 8  # so many endpoints cost about as much as the rest of a Service


class State:
    """Folds events cheaply, and derives routes for the Services that they touched when asked.

    `fold` only notes what is true now, so a hundred events for one Service cost one derivation (rule
    R10). `take` derives and gives the difference. One owner, no threads.
    """

    def __init__(
        self,
        *,
        node_name: str,
        addresses: AddressPlan,
        cluster_ip_required: bool = False,
        reach: ReachPolicy | None = None,
    ) -> None:
        """``cluster_ip_required``: an empty clusterIP means ignored, as from an API server (rule S1).

        ``reach`` None: every endpoint is dialled directly.
        """
        self._node_name = node_name
        self._node = NodeFacts(node_name)
        self._node_exists = False
        self._reach_policy = reach if reach is not None else ReachPolicy()
        self._reach = self._reach_policy.reach(self._node)
        self._cluster_ip_required = cluster_ip_required
        self._synced = False
        self._generation = 0
        self._services: dict[NamespacedName, Service] = {}
        self._slices = SliceCache()
        self._stale: set[ObjectRef] = set()
        self._dirty: dict[NamespacedName, None] = {}
        self._addressing = Addressing(addresses)
        self._conflicts = Conflicts()
        self._contested: dict[NamespacedName, None] = {}
        """Whose claims, or rivals, have changed in this step."""
        self._named: dict[NamespacedName, tuple[NamespacedName, ...]] = {}
        """The endpoints of each headless Service that are served by their own names."""
        self._external_names: dict[NamespacedName, str] = {}
        self._table = RouteTable()
        self._problems = ProblemBoard()

    @property
    def synced(self) -> bool:
        """All that existed at the start has been said (rule R2)."""
        return self._synced

    @property
    def generation(self) -> int:
        """Number of the table that the last non-empty difference led to; 0: there was none."""
        return self._generation

    @property
    def routes(self) -> Mapping[RouteKey, Route]:
        """The table as of the last `take`: a live view that cannot be written to."""
        return self._table.routes

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that is wrong now, ordered by object."""
        return self._problems.current()

    @property
    def stale(self) -> tuple[ObjectRef, ...]:
        """The objects of which an earlier version goes on, since the last one was refused (rule D7)."""
        return tuple(sorted(self._stale))

    @property
    def services(self) -> Mapping[NamespacedName, Service]:
        """Every Service, ignored ones too: a live view that cannot be written to."""
        return MappingProxyType(self._services)

    @property
    def external_names(self) -> Mapping[NamespacedName, str]:
        """What each Service of type ExternalName stands for: a live view that cannot be written to."""
        return MappingProxyType(self._external_names)

    @property
    def node(self) -> NodeFacts:
        """This node as last seen, also when its Node is gone (rule T4)."""
        return self._node

    @property
    def node_exists(self) -> bool:
        """Whether there is a Node of this name now (rule N2)."""
        return self._node_exists

    @property
    def reach(self) -> Reach | None:
        """How endpoints are reached from here; None: all are dialled directly."""
        return self._reach

    def slices_of(self, service: NamespacedName) -> Sequence[EndpointSlice]:
        """The slices of ``service``, by name; also when there is no such Service (rule E9).

        Those that are marked as a headless Service's count for such a one alone (rule E1).
        """
        slices, known = self._slices.of(service), self._services.get(service)
        if known is None or known.headless:
            return slices
        return [one for one in slices if not one.headless]

    def endpoint_services(self, service: Service) -> Sequence[EndpointService]:
        """The endpoints of a headless ``service`` that are served by their own names; else none."""
        return endpoint_services(service, self.slices_of(service.key)) if service.headless else ()

    def why_ignored(self, service: Service) -> str | None:
        """Why no port of ``service`` is served (rule S1); None when it is."""
        return why_ignored(service, cluster_ip_required=self._cluster_ip_required)

    def why_unserved(self, service: Service, family: Family) -> str | None:
        """Why ``service`` is not served in ``family`` (rules S2, L1); None when it is."""
        return self._addressing.why_unserved(service.key, family)

    def fold(self, event: Event) -> None:
        """Note ``event``; costs what its object costs. `Mark` means nothing here."""
        if isinstance(event, Upsert):
            self._upsert(event)
        elif isinstance(event, Delete):
            self._delete(event.ref)
        elif isinstance(event, Rejected):
            self._problems.replace(event.ref, Topic.SOURCE, event.problems)
            if self._knows(event.ref):
                self._stale.add(event.ref)
        elif isinstance(event, SourceProblems):
            self._problems.replace(event.source, Topic.SOURCE, event.problems)
        elif isinstance(event, Synced) and not self._synced:
            self._synced = True
            # Services that want the same address get it in the same order at every start (rule L1).
            self._dirty = dict.fromkeys(sorted(self._dirty))

    def take(self, budget: int = 500) -> RouteChanges:
        """Derive at most ``budget`` touched Services: what that changes, and the problems not yet told.

        Before `Synced` no route changes (rule R2), but problems are told. A Service with very many
        endpoints counts as several. ``more``: touched Services are left, ask again after a loop turn.
        """
        difference = Difference()
        if self._synced:
            for key in tuple(islice(self._dirty, budget)):
                del self._dirty[key]
                budget -= 1 + self._derive(key, difference) // _ENDPOINTS_PER_STEP
                if budget <= 0:
                    break
            self._reword()
        new, cleared = self._problems.take()
        if difference.changed or difference.removed or new or cleared:
            self._generation += 1
        return RouteChanges(
            generation=self._generation,
            changed=tuple(difference.changed),
            removed=tuple(difference.removed),
            added_services=tuple(difference.added_services),
            changed_services=tuple(difference.changed_services),
            removed_services=tuple(difference.removed_services),
            problems=new,
            cleared=cleared,
            stale=self.stale,
            external_names=difference.external_names,
            more=self._synced and bool(self._dirty),
        )

    def _upsert(self, event: Upsert) -> None:
        new, ref = event.object, event.ref
        self._problems.replace(ref, Topic.SOURCE, event.problems)
        self._stale.discard(ref)
        if isinstance(new, Service):
            key = new.key
            if self._services.get(key) != new:
                self._services[key] = new
                self._dirty[key] = None
        elif isinstance(new, EndpointSlice):
            self._touch(self._slices.apply(new))
        elif new.name == self._node_name:
            self._see(new)

    def _delete(self, ref: ObjectRef) -> None:
        self._problems.replace(ref, Topic.SOURCE, ())
        self._stale.discard(ref)
        key = NamespacedName(ref.namespace, ref.name)
        if ref.kind == "Service" and self._services.pop(key, None) is not None:
            self._dirty[key] = None
        elif ref.kind == "EndpointSlice":
            self._touch(self._slices.remove(key))
        elif ref.kind == "Node" and ref.name == self._node_name:
            self._node_exists = False

    def _see(self, node: Node) -> None:
        """Take over this node's facts; a new zone concerns only Services with zone hints (rule T4).

        That this host is the node, or is it no more, concerns all.
        """
        old, self._node = self._node, NodeFacts.seen(node)
        old_reach, self._reach = self._reach, self._reach_policy.reach(self._node)
        self._node_exists = True
        if old_reach != self._reach:
            self._touch(self._services)
        elif old.zone != self._node.zone:
            self._touch(self._slices.zone_hinted())

    def _touch(self, services: Iterable[NamespacedName]) -> None:
        """Derive these Services again. Slices without their Service wait for it in silence (rule E9)."""
        self._dirty.update((key, None) for key in services if key in self._services)

    def _knows(self, ref: ObjectRef) -> bool:
        """Whether a good version of ``ref`` is in use."""
        key = NamespacedName(ref.namespace, ref.name)
        return (
            (ref.kind == "Service" and key in self._services)
            or (ref.kind == "EndpointSlice" and key in self._slices)
            or (ref.kind == "Node" and ref.name == self._node_name and self._node_exists)
        )

    def _derive(self, key: NamespacedName, difference: Difference) -> int:
        """Bring routes, addresses and claims of one Service up to date; how many endpoints it looked at."""
        service = self._services.get(key)
        self._rename(key, service.external_name if service else "", difference)
        named = self.endpoint_services(service) if service else ()
        if named or key in self._named:
            self._release(key, [one.service.key for one in named])
        routes: list[Route] = []
        examined = 0
        if service is not None and self.why_ignored(service) is None:
            examined += self._serve(service, self.slices_of(key), service.families, routes)
            self._claim(key, service)
        else:
            self._assign(key, (), service.families if service and named else ())
            self._claim(key, None)
        for one in named:
            examined += self._serve(one.service, one.slices, (), routes)
        self._table.replace(key, routes, difference)
        return examined

    def _serve(
        self,
        service: Service,
        slices: Sequence[EndpointSlice],
        stated: tuple[Family, ...],
        routes: list[Route],
    ) -> int:
        """Give ``service`` its addresses and add its routes; how many endpoints were looked at."""
        examined = 0
        ports = [port for port in service.ports if why_port_ignored(port) is None]
        hosts = self._assign(service.key, service.families if ports else (), stated if ports else ())
        for family, host in hosts.items():
            for port in ports:
                found, selection = port_selection(service, port, family, slices, self._node, self._reach)
                examined += len(found.unique)
                listen_port = self._addressing.listen_port(port.port)
                routes.append(route_of(service, port, family, selection, host, listen_port))
        return examined

    def _release(self, key: NamespacedName, names: Sequence[NamespacedName]) -> None:
        """Take the addresses back of endpoints of ``key`` that are not among ``names`` any more."""
        for name in set(self._named.pop(key, ())).difference(names):
            self._assign(name, (), ())
        if names:
            self._named[key] = tuple(names)

    def _rename(self, key: NamespacedName, external_name: str, difference: Difference) -> None:
        if external_name != self._external_names.get(key, ""):
            self._external_names[key] = external_name
            if not external_name:
                del self._external_names[key]
            difference.external_names = True

    def _assign(
        self, key: NamespacedName, families: tuple[Family, ...], stated: tuple[Family, ...]
    ) -> dict[Family, str]:
        """The addresses of ``key``; when none of the ``stated`` families is served, that is a problem."""
        hosts = self._addressing.assign(key, families)
        self._problems.replace(_service_ref(key), Topic.ADDRESS, self._addressing.problems(key, stated))
        self._touch(map(owner, self._addressing.unblocked()))
        return hosts

    def _claim(self, key: NamespacedName, service: Service | None) -> None:
        """Replace what ``key`` states for itself alone."""
        claims = claims_of(service) if service else {}
        created = service.creation_timestamp if service else ""
        self._contested.update(dict.fromkeys(self._conflicts.replace(key, claims, created)))

    def _reword(self) -> None:
        """Say of each Service whose claims or rivals changed what holds now: once, however many changed."""
        for key in self._contested:
            self._problems.replace(_service_ref(key), Topic.CONFLICT, self._conflicts.problems(key))
        self._contested.clear()


def _service_ref(key: NamespacedName) -> ObjectRef:
    return ObjectRef("Service", key.namespace, key.name)
