"""The rows as text that a person grasps at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from userproxy.explain.notes import Notes
from userproxy.explain.rows import ExplainEndpoint, ExplainRow
from userproxy.model.names import NamespacedName
from userproxy.model.service import TrafficPolicy

__all__ = ["render"]

_BOLD, _DIM, _RED, _GREEN, _YELLOW = "1", "2", "31", "32", "33"  # SGR parameters of ECMA-48


class _Pen:
    """Paints, or leaves the text alone."""

    def __init__(self, colour: bool) -> None:
        self._colour = colour

    def __call__(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._colour else text


def render(rows: Sequence[ExplainRow], *, colour: bool = False, notes: Notes | None = None) -> str:
    """A paragraph for each service port and family: ``+`` marks endpoints in use, ``-`` all others.

    ``notes`` (from `explain.notes`) follow the rows of their Service; those of no Service come last.
    """
    pen, said = _Pen(colour), notes or {}
    blocks: list[str] = []
    for key, group in groupby(rows, key=lambda row: NamespacedName(row.namespace, row.service)):
        lines = [line for row in group for line in _paragraph(row, pen)]
        lines.extend(pen(f"  ! {note}", _YELLOW) for note in said.get(key, ()))
        blocks.append("\n".join(lines))
    strays = [pen(f"! {note}", _YELLOW) for note in said.get(None, ())]
    if strays:
        blocks.append("\n".join(strays))
    return "\n\n".join(blocks) + "\n" if blocks else "no Services\n"


def _paragraph(row: ExplainRow, pen: _Pen) -> Iterator[str]:
    yield pen(_title(row), _BOLD) + "  " + _outcome(row, pen)
    details = ", ".join(_details(row))
    if details:
        yield pen(f"  {details}", _DIM)
    width = max((len(one.endpoint) for one in row.endpoints), default=0)
    for one in row.endpoints:
        mark = pen("+", _GREEN) if one.reason is None else pen("-", _RED)
        yield f"  {mark} {one.endpoint:<{width}}  {_remark(row, one)}".rstrip()


def _title(row: ExplainRow) -> str:
    """``default/web http 80/TCP IPv4``, as far as there are such parts."""
    port = f"{row.service_port}/{row.protocol}" if row.service_port is not None else ""
    parts = (f"{row.namespace}/{row.service}", row.port_name, port, row.family or "")
    return " ".join(part for part in parts if part)


def _outcome(row: ExplainRow, pen: _Pen) -> str:
    if row.ignored is not None:
        return pen(f"not served: {row.ignored}", _YELLOW)
    at = "on no address yet"
    if row.listen_address is not None:
        host = f"[{row.listen_address}]" if ":" in row.listen_address else row.listen_address
        at = f"at {host}:{'(any port)' if row.listen_port is None else row.listen_port}"
    return f"{at}, {_usable(row, pen)}"


def _usable(row: ExplainRow, pen: _Pen) -> str:
    """How many endpoints traffic to the cluster address has, or which case of rule T8 it is."""
    local = row.internal_traffic_policy is TrafficPolicy.LOCAL
    usable = row.local if local else row.cluster
    if usable:
        return f"{len(usable)} of {len({one.endpoint for one in row.endpoints})} endpoints in use"
    if not row.endpoints:
        return pen("refused: there is no endpoint", _RED)
    if row.unreachable is not None:
        return pen(f"refused: {row.unreachable}", _RED)
    elsewhere = row.cluster or any(one.reason == "not on this node (policy Local)" for one in row.endpoints)
    if local and elsewhere:
        return pen("refused: endpoints are usable, but none on this node (policy Local)", _RED)
    return pen("refused: no endpoint is usable", _RED)


def _details(row: ExplainRow) -> Iterator[str]:
    """What the Service says beyond its port, as far as it is not the default."""
    if row.cluster_ip:
        yield f"cluster IP {row.cluster_ip}"
    if row.node_port is not None:
        yield f"node port {row.node_port}"
    if row.external_ips:
        yield f"external IPs {' '.join(row.external_ips)}"
    if row.load_balancer_ips:
        yield f"load balancer {' '.join(row.load_balancer_ips)}"
    if row.source_ranges is not None:
        yield f"load balancer only for {' '.join(row.source_ranges)}"
    if row.health_check_node_port is not None:
        yield f"health check node port {row.health_check_node_port}"
    if row.session_affinity_seconds is not None:
        yield f"ClientIP affinity for {row.session_affinity_seconds} s"
    if row.internal_traffic_policy is TrafficPolicy.LOCAL:
        yield "internal policy Local"
    if row.external_traffic_policy is TrafficPolicy.LOCAL:
        yield "external policy Local (clients on this node use the cluster set)"


def _remark(row: ExplainRow, one: ExplainEndpoint) -> str:
    """The reason of an endpoint that is not used; of the others what is special about them."""
    if one.reason is not None:
        return one.reason
    remarks = ["on this node"] if one.local else []
    if one.reached not in (None, "direct"):
        remarks.append(f"through {one.reached}")
    if one.terminating:
        remarks.append("terminating, still ready" if one.ready else "terminating, still serving")
    if row.cluster is not None and row.local is not None:
        sets = [
            name
            for name, members in (("cluster", row.cluster), ("local", row.local))
            if one.endpoint in members
        ]
        remarks.append(f"{' and '.join(sets)} set")
    return ", ".join(remarks)
