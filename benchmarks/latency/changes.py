"""Ways to change who serves a Service: each returns when the API server has accepted the change."""

from __future__ import annotations

import asyncio
import json
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Protocol

import aiohttp

from benchmarks.errors import BenchmarkError
from userproxy.testing.objects import endpoint_slice

__all__ = ["Change", "HttpPatch", "KubectlApply", "kubectl"]

LIMIT_S = 30.0
_SLICE = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/web"


class Change(Protocol):
    """Raises BenchmarkError when the change is not accepted."""

    name: str

    async def make(self, endpoint: str) -> None:
        """Let ``endpoint`` be the only one of the Service web."""
        ...


class HttpPatch:
    """A merge patch (RFC 7386), as any client would send it; done when its answer has come."""

    name = "HTTP PATCH"

    def __init__(self, session: aiohttp.ClientSession, server: str) -> None:
        self._session = session
        self._url = server + _SLICE

    async def make(self, endpoint: str) -> None:
        raw = endpoint_slice("web", [endpoint])
        async with self._session.patch(
            self._url,
            data=json.dumps({"endpoints": raw["endpoints"], "ports": raw["ports"]}),
            headers={"Content-Type": "application/merge-patch+json"},
        ) as answer:
            text = await answer.text()
            if answer.status != 200:
                raise BenchmarkError(f"the API server answered {answer.status}: {text[:200]}")


class KubectlApply:
    """``kubectl apply -f``, in a home of its own; done when it has ended."""

    name = "kubectl apply"

    def __init__(self, program: str, server: str, folder: Path) -> None:
        self._file = folder / "slice.json"
        self._command = (program, "--server", server, "apply", "-f", str(self._file))
        self._environment = {"HOME": str(folder), "KUBECONFIG": str(folder / "none")}

    async def make(self, endpoint: str) -> None:
        self._file.write_text(json.dumps(endpoint_slice("web", [endpoint])))
        process = await asyncio.create_subprocess_exec(
            *self._command, env=self._environment, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
        )
        try:
            async with asyncio.timeout(LIMIT_S):
                _, errors = await process.communicate()
        except BaseException:
            if process.returncode is None:
                process.kill()
            await process.wait()
            raise
        if process.returncode:
            raise BenchmarkError(f"kubectl: {errors.decode(errors='replace').strip()}")


def kubectl() -> str:
    """Its path; "" when it is not installed."""
    return shutil.which("kubectl") or ""
