"""The table of what is served: printed at start, one line a change later."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from userproxy.cli.columns import aligned
from userproxy.dataplane.snapshot import PortSnapshot
from userproxy.model.names import Protocol
from userproxy.model.routes import RouteKey

__all__ = ["Table", "TableRow", "render"]

COLUMNS = ("NAMESPACE", "SERVICE", "PORT", "ADDRESS", "STATE", "ENDPOINTS", "NOTE")
_ENDPOINTS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class TableRow:
    """One service port in one family; the fields are those of ``--table-file``."""

    namespace: str
    service: str
    port_name: str
    protocol: str
    family: str
    service_port: int
    listen_address: str
    listen_port: int | None
    """None: no number could be bound yet."""
    state: str
    endpoints: tuple[str, ...]
    """Where new connections go."""
    note: str
    """Why it is not at its stated number, or not served; "" when there is nothing to say."""

    @property
    def address(self) -> str:
        host = f"[{self.listen_address}]" if ":" in self.listen_address else self.listen_address
        return f"{host}:{self.listen_port if self.listen_port is not None else '-'}"

    def as_json(self) -> dict[str, object]:
        return {
            name: list(value) if isinstance(value := getattr(self, name), tuple) else value
            for name in TableRow.__slots__
        }

    def cells(self) -> tuple[str, ...]:
        port = f"{self.port_name or '-'} {self.service_port}/{self.protocol}"
        endpoints = _shortened(self.endpoints)
        return (self.namespace, self.service, port, self.address, self.state, endpoints, self.note)


class Table:
    """The rows as last told, by service port: a change costs what it touches."""

    def __init__(self) -> None:
        self._rows: dict[RouteKey, tuple[TableRow, ...]] = {}

    def rows(self) -> tuple[TableRow, ...]:
        """All rows, in order."""
        return tuple(row for key in sorted(self._rows) for row in self._rows[key])

    def update(
        self,
        changes: Mapping[RouteKey, tuple[PortSnapshot, ...]],
        wildcards: Collection[tuple[Protocol, int]] = frozenset(),
    ) -> list[str]:
        """Take over what `Proxy.changes` said: a line for each row that came (+), went (-) or differs (~).

        ``wildcards`` are ports that others listen on at every address (rule L7).
        """
        lines: list[str] = []
        for key, ports in changes.items():
            new = tuple(_row_of(port, wildcards) for port in ports)
            lines += _differences(self._rows.get(key, ()), new)
            if new:
                self._rows[key] = new
            else:
                self._rows.pop(key, None)
        return sorted(lines, key=lambda line: line[2:])


def render(rows: Sequence[TableRow]) -> str:
    """Columns for people, with a heading."""
    return "\n".join(aligned([COLUMNS, *(row.cells() for row in rows)]))


def _row_of(port: PortSnapshot, wildcards: Collection[tuple[Protocol, int]]) -> TableRow:
    return TableRow(
        namespace=port.key.name.namespace,
        service=port.key.name.name,
        port_name=port.key.name.port_name,
        protocol=port.key.name.protocol.value,
        family=port.key.family.value,
        service_port=port.service_port,
        listen_address=port.listen_host,
        listen_port=port.listen_port,
        state=port.state.value,
        endpoints=tuple(endpoint.endpoint for endpoint in port.endpoints if endpoint.usable),
        note=_note(port, wildcards),
    )


def _differences(old: Iterable[TableRow], new: Iterable[TableRow]) -> Iterator[str]:
    """Of one service port, which may be there twice: draining, and served anew."""
    before = {row.state == "draining": row for row in old}
    after = {row.state == "draining": row for row in new}
    for draining in before.keys() - after.keys():
        yield _line("-", before[draining])
    for draining, row in after.items():
        if draining not in before:
            yield _line("+", row)
        elif before[draining] != row:
            yield _line("~", row)


def _note(port: PortSnapshot, wildcards: Collection[tuple[Protocol, int]]) -> str:
    """What is unusual about a row."""
    if (port.key.name.protocol, port.service_port) not in wildcards:
        return port.reason
    wildcard = f"a wildcard listener of this host answers at {port.listen_host}:{port.service_port} too"
    return f"{port.reason}; {wildcard}" if port.reason else wildcard


def _line(mark: str, row: TableRow) -> str:
    return f"{mark} " + "  ".join(cell for cell in row.cells() if cell)


def _shortened(endpoints: tuple[str, ...]) -> str:
    if not endpoints:
        return "-"
    more = len(endpoints) - _ENDPOINTS_SHOWN
    shown = ",".join(endpoints[:_ENDPOINTS_SHOWN])
    return f"{shown} + {more} more" if more > 0 else shown
