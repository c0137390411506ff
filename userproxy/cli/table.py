"""The table of what is served: printed at start, one line a change later, kept as a JSON file."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from userproxy.dataplane.snapshot import PortSnapshot
from userproxy.errors import ConfigError
from userproxy.model.names import Protocol
from userproxy.proxy import Snapshot

__all__ = ["TableRow", "changes_between", "check_writable", "render", "rows_of", "write"]

COLUMNS = ("NAMESPACE", "SERVICE", "PORT", "ADDRESS", "STATE", "ENDPOINTS", "NOTE")
_ENDPOINTS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class TableRow:
    """One service port in one family; the fields are those of the JSON file."""

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
    def key(self) -> tuple[str, str, str, str, str, bool]:
        return (
            self.namespace, self.service, self.port_name, self.protocol, self.family, self.state == "draining"
        )  # fmt: skip

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


def rows_of(
    snapshot: Snapshot, wildcards: Collection[tuple[Protocol, int]] = frozenset()
) -> tuple[TableRow, ...]:
    """The table, in order. ``wildcards`` are ports that others listen on at every address (rule L7)."""
    return tuple(
        TableRow(
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
        for port in snapshot.ports
    )


def render(rows: Sequence[TableRow]) -> str:
    """Columns for people, with a heading."""
    return "\n".join(_aligned([COLUMNS, *(row.cells() for row in rows)]))


def changes_between(old: Iterable[TableRow], new: Iterable[TableRow]) -> list[str]:
    """One line for each row that came (+), went (-) or differs (~)."""
    before = {row.key: row for row in old}
    after = {row.key: row for row in new}
    lines = [_line("-", before[key]) for key in before.keys() - after.keys()]
    for key, row in after.items():
        if key not in before:
            lines.append(_line("+", row))
        elif before[key] != row:
            lines.append(_line("~", row))
    return sorted(lines, key=lambda line: line[2:])


def check_writable(path: Path) -> None:
    """Raises ConfigError when a file cannot be made beside ``path``."""
    if not path.parent.is_dir():
        raise ConfigError(f"--table-file {path}: there is no folder {path.parent}")
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise ConfigError(f"--table-file {path}: cannot be written")


def write(path: Path, rows: Sequence[TableRow]) -> None:
    """Replace ``path`` in one step, so that a reader never sees half a table. Raises OSError."""
    import orjson

    data = orjson.dumps([row.as_json() for row in rows], option=orjson.OPT_INDENT_2) + b"\n"
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


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


def _aligned(lines: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    return [
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
