"""What is handed over, as JSON and back. Pure.

Of a descriptor JSON says nothing: whoever sends puts those of a message in the order of its items.
"""

from __future__ import annotations

import base64
import binascii
from _socket import socket as Socket
from collections.abc import Callable, Mapping

from userproxy.dataplane.binding import Move
from userproxy.dataplane.handover import (
    Affinities,
    FlowChange,
    FlowChanges,
    GivenDatagram,
    GivenFlow,
    HeldClient,
    Line,
)
from userproxy.dataplane.heir import Given
from userproxy.dataplane.inheritance import SharedListener
from userproxy.dataplane.udp_clients import Address
from userproxy.dataplane.udp_flow import FlowState
from userproxy.errors import TakeoverError
from userproxy.model.names import Family, Protocol, ServicePortName
from userproxy.model.routes import Endpoint, RouteKey

__all__ = ["Item", "decode", "encode"]

Item = Given


def encode(item: Item) -> dict[str, object]:
    """``item`` without its socket."""
    match item:
        case SharedListener():
            name = item.key.name
            return {
                "item": "listener", "number": item.number, "namespace": name.namespace, "name": name.name,
                "port_name": name.port_name, "protocol": name.protocol, "family": item.key.family,
                "host": item.host, "port": item.port, "worker": item.worker,
            }  # fmt: skip
        case Line():
            return {"item": "line", "worker": item.worker}
        case Move():
            return {
                "item": "move", "host": item.host, "protocol": item.protocol,
                "stated_port": item.stated_port, "port": item.port, "reason": item.reason,
            }  # fmt: skip
        case Affinities():
            clients = [
                [client, endpoint.ip, endpoint.port, age_s] for client, endpoint, age_s in item.clients
            ]
            return {"item": "affinities", "listener": item.listener, "clients": clients}
        case GivenFlow():
            return {
                "item": "flow", "number": item.number, "listener": item.listener, "state": _row(item.state),
            }  # fmt: skip
        case FlowChanges():
            changes = [
                [change.number, None if change.state is None else _row(change.state)]
                for change in item.changes
            ]
            return {"item": "changes", "changes": changes}
        case HeldClient():
            return {
                "item": "client", "listener": item.listener, "address": item.address, "left_s": item.left_s,
            }  # fmt: skip
        case GivenDatagram():
            return {
                "item": "datagram", "listener": item.listener, "client": list(item.client),
                "age_s": item.age_s, "payload": base64.b64encode(item.payload).decode(),
            }  # fmt: skip


def _row(state: FlowState) -> list[object]:
    """As short as can be: there may be thousands, and UDP waits for them."""
    return [
        state.address, state.endpoint.ip, state.endpoint.port, state.replied, state.moved,
        state.bytes_to_endpoint, state.bytes_to_client, state.age_s, state.idle_s,
    ]  # fmt: skip


def decode(fields: object, socket_of: Callable[[], Socket]) -> Item:
    """The item; ``socket_of`` gives the socket that came with it. Raises TakeoverError."""
    if not isinstance(fields, dict):
        raise TakeoverError("an item of the other process is no JSON object")
    try:
        return _DECODERS[_text(fields, "item")](fields, socket_of)
    except (KeyError, ValueError) as error:
        raise TakeoverError(f"an item of the other process is not understood: {error}") from error


_Fields = Mapping[str, object]


def _listener(fields: _Fields, socket_of: Callable[[], Socket]) -> SharedListener:
    name = ServicePortName(
        _text(fields, "namespace"),
        _text(fields, "name"),
        _text(fields, "port_name"),
        Protocol(_text(fields, "protocol")),
    )
    return SharedListener(
        number=_number(fields, "number"),
        key=RouteKey(name, Family(_text(fields, "family"))),
        host=_text(fields, "host"),
        port=_number(fields, "port"),
        sock=socket_of(),
        worker=_worker(fields),
    )


def _worker(fields: _Fields) -> int | None:
    """Releases before there were workers do not say."""
    if "worker" not in fields:
        return 0
    return None if fields["worker"] is None else _number(fields, "worker")


def _line(fields: _Fields, socket_of: Callable[[], Socket]) -> Line:
    return Line(_number(fields, "worker"), socket_of())


def _move(fields: _Fields, socket_of: Callable[[], Socket]) -> Move:
    return Move(
        host=_text(fields, "host"),
        protocol=Protocol(_text(fields, "protocol")),
        stated_port=_number(fields, "stated_port"),
        port=_number(fields, "port"),
        reason=_text(fields, "reason"),
    )


def _affinities(fields: _Fields, socket_of: Callable[[], Socket]) -> Affinities:
    clients = fields["clients"]
    if not isinstance(clients, list):
        raise ValueError(f"clients {clients!r} is no list")
    return Affinities(_number(fields, "listener"), tuple(map(_affinity, clients)))


def _affinity(row: object) -> tuple[str, Endpoint, float]:
    match row:
        case [str(client), str(ip), int(port), int() | float() as age_s]:
            return client, Endpoint.of(ip, port), age_s
    raise ValueError(f"client {row!r} is not understood")


def _flow(fields: _Fields, socket_of: Callable[[], Socket]) -> GivenFlow:
    number, listener, state = _number(fields, "number"), _number(fields, "listener"), _state(fields["state"])
    return GivenFlow(number, listener, state, socket_of())


def _changes(fields: _Fields, socket_of: Callable[[], Socket]) -> FlowChanges:
    changes = fields["changes"]
    if not isinstance(changes, list):
        raise ValueError(f"changes {changes!r} is no list")
    return FlowChanges(tuple(map(_change, changes)))


def _change(row: object) -> FlowChange:
    match row:
        case [int(number), None]:
            return FlowChange(number, None)
        case [int(number), list(state)]:
            return FlowChange(number, _state(state))
    raise ValueError(f"change {row!r} is not understood")


def _state(row: object) -> FlowState:
    match row:
        case [
            address, str(ip), int(port), bool(replied), bool(moved), int(to_endpoint), int(to_client),
            int() | float() as age_s, int() | float() as idle_s,
        ]:  # fmt: skip
            return FlowState(
                _address(address),
                Endpoint.of(ip, port),
                replied,
                moved,
                to_endpoint,
                to_client,
                age_s,
                idle_s,
            )
    raise ValueError(f"state {row!r} is not understood")


def _client(fields: _Fields, socket_of: Callable[[], Socket]) -> HeldClient:
    return HeldClient(
        listener=_number(fields, "listener"),
        address=_text(fields, "address"),
        left_s=_seconds(fields, "left_s"),
        sock=socket_of(),
    )


def _datagram(fields: _Fields, socket_of: Callable[[], Socket]) -> GivenDatagram:
    try:
        payload = base64.b64decode(_text(fields, "payload"), validate=True)
    except binascii.Error as error:
        raise ValueError(f"payload: {error}") from error
    return GivenDatagram(
        _number(fields, "listener"), _address(fields["client"]), _seconds(fields, "age_s"), payload
    )


_DECODERS: Mapping[str, Callable[[_Fields, Callable[[], Socket]], Item]] = {
    "listener": _listener,
    "line": _line,
    "move": _move,
    "affinities": _affinities,
    "flow": _flow,
    "changes": _changes,
    "client": _client,
    "datagram": _datagram,
}


def _text(fields: _Fields, name: str) -> str:
    value = fields[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} {value!r} is no text")
    return value


def _number(fields: _Fields, name: str) -> int:
    value = fields[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name} {value!r} is no number")
    return value


def _seconds(fields: _Fields, name: str) -> float:
    value = fields[name]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{name} {value!r} is no time")
    return max(0.0, value)


def _address(value: object) -> Address:
    match value:
        case [str(host), int(port)]:
            return host, port
        case [str(host), int(port), int(flow_info), int(scope)]:
            return host, port, flow_info, scope
    raise ValueError(f"{value!r} is no address")
