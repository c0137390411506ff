"""The fields by which log events name a service port (docs/logging.md)."""

from __future__ import annotations

from userproxy.model.routes import RouteKey

__all__ = ["port_fields"]


def port_fields(key: RouteKey) -> dict[str, str]:
    """For ``**`` in a call of `log_event`."""
    name = key.name
    return {
        "namespace": name.namespace,
        "service": name.name,
        "port_name": name.port_name,
        "protocol": name.protocol.value,
        "family": key.family.value,
    }
