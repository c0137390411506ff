"""What a test harness wants: an API server, backends and builders of objects.

In: objects and calls from a test. Out: a Kubernetes API over HTTP (`ApiServer`), small servers that
answer (`userproxy.testing.backends`) and raw objects (`userproxy.testing.objects`). Whoever opens one
owns it; each is an async context manager. aiohttp is loaded only when `ApiServer` is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from userproxy.testing.api_server import ApiServer

__all__ = ["ApiServer"]


def __getattr__(name: str) -> object:
    if name == "ApiServer":
        from userproxy.testing.api_server import ApiServer

        return ApiServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
