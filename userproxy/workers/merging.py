"""What several workers say of one service port, as one: counters are added, the state is the worst one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from userproxy.dataplane.closing import Phase, Who, close_state
from userproxy.dataplane.intake import ListenerState
from userproxy.dataplane.snapshot import EndpointSnapshot, PortSnapshot

__all__ = ["ended", "merged"]

_WORST_FIRST = (
    ListenerState.TAKEN,
    ListenerState.REFUSING,
    ListenerState.HOLDING,
    ListenerState.LISTENING,
    ListenerState.DRAINING,
)
_CUT = close_state(Who.ERROR, Phase.TRANSFERRING)


def merged(current: Sequence[PortSnapshot], gone: PortSnapshot | None = None) -> PortSnapshot:
    """One service port: what its workers say now, with the counters of those that are ``gone``.

    While none is there, what the last one said: its listener is kept, and queues.
    """
    said = current or ([gone] if gone is not None else [])
    worst = min(said, key=lambda port: _WORST_FIRST.index(port.state))
    counted = [*current, gone] if current and gone is not None else said
    return replace(
        worst,
        reason=worst.reason,
        endpoints=tuple(_endpoints(said, counted)),
        open=sum(port.open for port in counted),
        held=sum(port.held for port in counted),
        accepted=sum(port.accepted for port in counted),
        ends=_added(port.ends for port in counted),
        dropped=_added(port.dropped for port in counted),
    )


def ended(port: PortSnapshot) -> PortSnapshot:
    """``port`` as a worker that died last told it: what was open then was cut by a fault of ours."""
    ends = Counter(dict(port.ends))
    if port.open:
        ends[_CUT] += port.open
    return replace(
        port,
        endpoints=tuple(endpoint._replace(open=0) for endpoint in port.endpoints),
        open=0,
        held=0,
        ends=tuple(sorted(ends.items())),
    )


def _endpoints(said: Sequence[PortSnapshot], counted: Sequence[PortSnapshot]) -> Iterable[EndpointSnapshot]:
    """Usable ones in their order, then those that only have open connections."""
    rows: dict[str, EndpointSnapshot] = {}
    for port in counted:
        for endpoint in port.endpoints:
            row = rows.get(endpoint.endpoint)
            rows[endpoint.endpoint] = endpoint if row is None else _sum(row, endpoint)
    usable = {endpoint.endpoint for port in said for endpoint in port.endpoints if endpoint.usable}
    for name in sorted(rows, key=lambda name: (name not in usable, name)):
        if name in usable or rows[name].open:
            yield rows[name]._replace(usable=name in usable)


def _sum(one: EndpointSnapshot, other: EndpointSnapshot) -> EndpointSnapshot:
    dials = one.dials + other.dials
    return one._replace(
        open=one.open + other.open,
        connections=one.connections + other.connections,
        dial_failures=one.dial_failures + other.dial_failures,
        bytes_to_endpoint=one.bytes_to_endpoint + other.bytes_to_endpoint,
        bytes_to_client=one.bytes_to_client + other.bytes_to_client,
        dials=dials,
        dial_s=(one.dials * one.dial_s + other.dials * other.dial_s) / dials if dials else 0.0,
    )


def _added(counts: Iterable[tuple[tuple[str, int], ...]]) -> tuple[tuple[str, int], ...]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(dict(count))
    return tuple(sorted(total.items()))
