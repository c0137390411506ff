"""The Kubernetes client for Python forwards by channels of a WebSocket."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from userproxy.testing import ApiServer
from userproxy.testing.api_server.port_forward.faults import Way
from userproxy.testing.backends import HttpBackend
from userproxy.testing.objects import pod

kubernetes: Any = pytest.importorskip("kubernetes", reason="a dev extra")
stream: Any = pytest.importorskip("kubernetes.stream")

REQUEST = b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n"


def asked(kubeconfig: Path, port: int) -> tuple[bytes, str | None]:
    """The answer of the pod, and what the client says went wrong."""
    api = kubernetes.config.new_client_from_config(str(kubeconfig))
    forward = stream.portforward(
        kubernetes.client.CoreV1Api(api).connect_get_namespaced_pod_portforward,
        "web-0",
        "default",
        ports=str(port),
    )
    try:
        connection = forward.socket(port)
        connection.settimeout(30)
        # The pod may be gone before anything is sent to it.
        with suppress(OSError):
            connection.sendall(REQUEST)
        answer = b"".join(iter(partial(connection.recv, 1 << 16), b""))
        connection.close()
        error: str | None = forward.error(port)
        return answer, error
    finally:
        api.close()
        for thread in threading.enumerate():
            if thread.name.startswith("Kubernetes port forward proxy"):
                thread.join(30)
        # It leaves this open when the server ends the connection first.
        forward.websocket.shutdown()


async def test_it_talks_to_a_pod(server: ApiServer, tmp_path: Path) -> None:
    async with HttpBackend("one") as one:
        await server.apply(pod("web-0", backends={8080: one.endpoint}))
        answer, error = await asyncio.to_thread(asked, server.kubeconfig(tmp_path / "config"), 8080)
        assert answer.endswith(b"one\n")
        assert error is None
        assert server.forwards.upgraded[Way.CHANNELS] == 1


async def test_it_hears_why_a_port_cannot_be_connected(server: ApiServer, tmp_path: Path) -> None:
    await server.apply(pod("web-0", 8080))
    answer, error = await asyncio.to_thread(asked, server.kubeconfig(tmp_path / "config"), 8080)
    assert answer == b""
    assert "connect: connection refused" in str(error)
