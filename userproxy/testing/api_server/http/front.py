"""The front door: every request is recorded, checked, perhaps troubled, and then answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from userproxy.testing.api_server.http.answers import status_response
from userproxy.testing.api_server.http.connections import break_off
from userproxy.testing.api_server.http.documents import document_response
from userproxy.testing.api_server.http.recording import RecordedRequest, RequestLog
from userproxy.testing.api_server.http.resources import Resources
from userproxy.testing.api_server.http.script import (
    Action,
    Answer,
    Drop,
    Hang,
    Refuse,
    Script,
    ShowTable,
    Slow,
)
from userproxy.testing.api_server.http.targets import Target, parse_target
from userproxy.testing.api_server.port_forward.forwards import PortForwards
from userproxy.testing.api_server.reading.options import truth
from userproxy.testing.api_server.statuses import (
    StatusError,
    method_not_allowed,
    no_such_resource,
    not_permitted,
    unauthorized,
)

__all__ = ["Front"]

_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


class Front:
    """Takes requests as they come. It owns the record and the script."""

    def __init__(self, resources: Resources, forwards: PortForwards, kubernetes_version: str) -> None:
        self.log = RequestLog()
        self.script = Script()
        self.accepts_token: Callable[[str], bool] | None = None
        """Judges the bearer token ("" without one); None lets everyone in."""
        self.forbidden: set[tuple[str, str]] = set()
        """Verbs and resources that are answered by 403."""
        self._resources = resources
        self._forwards = forwards
        self._kubernetes_version = kubernetes_version
        self._release = asyncio.Event()

    def release(self) -> None:
        """Drop the requests that hang now."""
        self._release.set()
        self._release = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer ``request``; what it is refused for is answered as a ``Status``."""
        target = parse_target(request.path)
        recorded = _record(request, target)
        self.log.add(recorded)
        try:
            self._check_token(request)
            self._check_rights(recorded, target)
            action = self.script.take(recorded)
            early = await self._act(action, request)
            if early is not None:
                return early
            accept = _TABLE if isinstance(action, ShowTable) else request.headers.get("Accept", "")
            if target is None:
                return self._document(request, accept)
            if not recorded.verb:
                raise method_not_allowed()
            if target.forwards:
                return await self._forwards.answer(request, target)
            return await self._resources.answer(request, target, recorded.verb, accept)
        except StatusError as error:
            return status_response(error)

    def _check_token(self, request: web.Request) -> None:
        if self.accepts_token is not None:
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            if not self.accepts_token(token.strip() if scheme.lower() == "bearer" else ""):
                raise unauthorized()

    def _check_rights(self, request: RecordedRequest, target: Target | None) -> None:
        verbs = [request.verb]
        if target is not None and target.forwards and _writes_by_get(self._kubernetes_version):
            verbs.append("create")
        for verb in verbs:
            if target is not None and (verb, target.resource) in self.forbidden:
                raise not_permitted(target.kind, target.resource, verb, target.namespace, target.name)

    async def _act(self, action: Action | None, request: web.Request) -> web.Response | None:
        """What the script says; gives an answer when that is all that the client gets."""
        match action:
            case Refuse():
                raise action.error
            case Answer():
                response = web.Response(body=action.body, status=action.status)
                response.headers["Content-Type"] = action.content_type
                return response
            case Hang():
                await self._release.wait()
                await break_off(request)
            case Drop():
                await break_off(request)
            case Slow():
                await asyncio.sleep(action.delay_s)
        return None

    def _document(self, request: web.Request, accept: str) -> web.Response:
        response = document_response(request.path, accept, self._kubernetes_version)
        if response is None:
            raise no_such_resource()
        if request.method != "GET":
            raise method_not_allowed()
        return response


def _writes_by_get(kubernetes_version: str) -> bool:
    """From 1.35 on a forward needs the right to create, however it is asked for."""
    major, minor = kubernetes_version.removeprefix("v").split(".")[:2]
    return (int(major), int(minor)) >= (1, 35)


def _record(request: web.Request, target: Target | None) -> RecordedRequest:
    transport = request.transport
    certificate = transport.get_extra_info("peercert") if transport is not None else None
    subject = dict(pair for entry in (certificate or {}).get("subject", ()) for pair in entry)
    return RecordedRequest(
        method=request.method,
        path=request.path,
        query=dict(request.query),
        headers=request.headers,
        verb=target.verb(request.method, watch=truth(request.query, "watch")) if target else "",
        resource=target.resource if target else "",
        namespace=target.namespace if target else "",
        name=target.name if target else "",
        client_name=str(subject.get("commonName", "")),
    )
