"""What is served beside objects: discovery, OpenAPI, the version and health."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from userproxy.testing.api_server.http.answers import json_response
from userproxy.testing.api_server.presentation import discovery, openapi
from userproxy.testing.api_server.presentation.negotiation import Form, negotiate

__all__ = ["document_response"]

_V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2"
_HEALTH = frozenset({"healthz", "livez", "readyz"})


def document_response(path: str, accept: str, kubernetes_version: str) -> web.Response | None:
    """The answer to a GET of ``path``; None when no document is there."""
    steps = path.strip("/").split("/")
    if steps[0] in _HEALTH:
        return web.Response(text="ok")
    if steps in (["api"], ["apis"]):
        return _root(core=steps == ["api"], accept=accept)
    if steps == ["openapi", "v2"]:
        return _openapi_v2(accept)
    body = _document(steps, kubernetes_version)
    return None if body is None else json_response(body)


def _root(*, core: bool, accept: str) -> web.Response:
    wanted = negotiate(accept, Form.DISCOVERY)
    if wanted.form is Form.DISCOVERY:
        body = discovery.aggregated(core=core, api_version=wanted.version)
        return json_response(body, content_type=wanted.content_type)
    return json_response(discovery.api_versions() if core else discovery.groups())


def _openapi_v2(accept: str) -> web.Response:
    # Only the media type before the version is compared: clients write the version in two ways.
    if _V2_PROTOBUF not in accept:
        return json_response(openapi.EMPTY_V2)
    response = web.Response(body=openapi.EMPTY_V2_PROTOBUF)
    response.headers["Content-Type"] = f"{_V2_PROTOBUF}.v1.0+protobuf"
    return response


def _document(steps: list[str], kubernetes_version: str) -> Mapping[str, object] | None:
    match steps:
        case ["version"]:
            return discovery.version(kubernetes_version)
        case ["api", version]:
            return discovery.resources("", version)
        case ["apis", group]:
            return discovery.group(group)
        case ["apis", group, version]:
            return discovery.resources(group, version)
        case ["openapi", "v3"]:
            return openapi.index()
        case ["openapi", "v3", *root]:
            return openapi.document("/".join(root))
    return None
