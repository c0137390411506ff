"""One request to upgrade a connection to a pod's ``portforward``, in one of three ways."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import WS_KEY

from userproxy.model.names import NamespacedName
from userproxy.portforward.refusals import Refusal
from userproxy.sources.kube.connection import Connection
from userproxy.sources.kube.requests import USER_AGENT, request

__all__ = ["Accepted", "Way", "shake_hands"]

_BODY_BYTES = 16 * 1024
_SPDY = "SPDY/3.1"


class Way(StrEnum):
    """How port-forward is carried, kubectl's first."""

    TUNNEL = "SPDY in a WebSocket"
    SPDY = "SPDY"
    CHANNELS = "WebSocket channels"

    @property
    def is_websocket(self) -> bool:
        return self is not Way.SPDY


_PROTOCOLS = {
    Way.TUNNEL: "SPDY/3.1+portforward.k8s.io",
    Way.SPDY: "portforward.k8s.io",
    Way.CHANNELS: "v4.channel.k8s.io",
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """A response that switched protocols: `Wire` takes its transport over, or whoever has it closes it."""

    response: aiohttp.ClientResponse
    handler: ResponseHandler
    way: Way


async def shake_hands(
    session: aiohttp.ClientSession,
    connection: Connection,
    pod: NamespacedName,
    way: Way,
    port: int,
    timeout_s: float,
) -> Accepted | Refusal:
    """Ask for an upgrade; ``port`` counts for channels alone.

    Raises CredentialsError, or WatchError where there was no answer (Unreachable: no connection either).
    """
    target = f"/api/v1/namespaces/{quote(pod.namespace, safe='')}/pods/{quote(pod.name, safe='')}/portforward"
    method = "GET" if way.is_websocket else "POST"
    if way is Way.CHANNELS:
        target = f"{target}?ports={port}"
    key = base64.b64encode(os.urandom(16)).decode()
    response = await request(
        session,
        connection,
        method,
        target,
        _headers(way, key),
        asked=f"forward to pod {pod}",
        timeouts=aiohttp.ClientTimeout(total=timeout_s, connect=timeout_s, sock_read=timeout_s),
        read_until_eof=False,
    )
    try:
        return await _judged(response, way, method, key)
    except BaseException:
        response.close()
        raise


def _headers(way: Way, key: str) -> Mapping[str, str]:
    if way is Way.SPDY:
        return {
            "User-Agent": USER_AGENT,
            "Connection": "Upgrade",
            "Upgrade": _SPDY,
            "X-Stream-Protocol-Version": _PROTOCOLS[way],
            "Content-Length": "0",
        }
    return {
        "User-Agent": USER_AGENT,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Protocol": _PROTOCOLS[way],
    }


async def _judged(response: aiohttp.ClientResponse, way: Way, method: str, key: str) -> Accepted | Refusal:
    if response.status != 101:
        try:
            body = await response.content.read(_BODY_BYTES)
        except (aiohttp.ClientError, TimeoutError, OSError):
            body = b""  # the status says enough
        response.close()
        return Refusal(method, response.status, body)
    wrong = _wrong(response, way, key)
    connection = response.connection
    handler = connection.protocol if connection is not None else None
    if wrong or handler is None or handler.transport is None:
        response.close()
        return Refusal(method, response.status, (wrong or "the connection is gone").encode())
    return Accepted(response, handler, way)


def _wrong(response: aiohttp.ClientResponse, way: Way, key: str) -> str:
    """What is wrong with a 101; "" where nothing is."""
    headers = response.headers
    upgrade = "websocket" if way.is_websocket else _SPDY
    if headers.get("Upgrade", "").lower() != upgrade.lower():
        return f"it upgrades to {headers.get('Upgrade', 'nothing')!r}, not to {upgrade}"
    if not way.is_websocket:
        return ""
    accept = base64.b64encode(hashlib.sha1(key.encode() + WS_KEY, usedforsecurity=False).digest()).decode()
    if headers.get("Sec-WebSocket-Accept") != accept:
        return "it does not answer the key of the WebSocket"
    protocol = headers.get("Sec-WebSocket-Protocol", "")
    if protocol != _PROTOCOLS[way]:
        return f"it chose the protocol {protocol!r}, not {_PROTOCOLS[way]}"
    return ""
