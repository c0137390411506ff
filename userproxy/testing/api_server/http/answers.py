"""Answers as HTTP responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson
from aiohttp import web

from userproxy.testing.api_server.statuses import StatusError

__all__ = ["json_response", "status_response"]


def json_response(
    body: Mapping[str, object],
    *,
    status: int = 200,
    content_type: str = "application/json",
    warnings: Sequence[str] = (),
) -> web.Response:
    """``body`` as JSON; ``warnings`` as the headers that kubectl prints (RFC 7234, 5.5)."""
    response = web.Response(body=orjson.dumps(body), status=status)
    response.headers["Content-Type"] = content_type
    response.headers["Cache-Control"] = "no-cache, private"
    for warning in warnings:
        quoted = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{quoted}"')
    return response


def status_response(error: StatusError) -> web.Response:
    """A ``Status``, with Retry-After where its details ask for it."""
    response = json_response(error.body(), status=error.code)
    retry_after = error.details.get("retryAfterSeconds")
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
