"""What is served, as JSON and back: ``/v1/served``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from userproxy.discovery import Alias, Served, ServedPort
from userproxy.errors import AdminError
from userproxy.model.names import Family, Protocol

__all__ = ["served_from", "served_json"]


def served_json(served: Served) -> dict[str, object]:
    return {
        "ports": [port._asdict() for port in served.ports],
        "aliases": [alias._asdict() for alias in served.aliases],
    }


def served_from(document: object) -> Served:
    """From the JSON of a proxy, which may be of another version: fields that are unknown are left out.

    Raises AdminError when it is something else.
    """
    try:
        assert isinstance(document, dict)
        ports = [_kept(ServedPort._fields, port) for port in document["ports"]]
        aliases = [_kept(Alias._fields, alias) for alias in document["aliases"]]
        return Served(tuple([_port(port) for port in ports]), tuple([Alias(**alias) for alias in aliases]))
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise AdminError(
            f"what the proxy says of the names it serves has an unknown form: {error}"
        ) from error


def _kept(names: Iterable[str], fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: fields[name] for name in names if name in fields}


def _port(fields: Mapping[str, Any]) -> ServedPort:
    return ServedPort(
        **{**fields, "protocol": Protocol(fields["protocol"]), "family": Family(fields["family"])}
    )
