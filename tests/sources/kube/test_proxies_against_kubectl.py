"""The rows of ``test_proxies``, asked of kubectl, in a network namespace where nothing gets out."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import cast

import pytest

from tests.sources.kube.kubectl import needs_kubectl
from tests.sources.kube.test_proxies import ENVIRONMENT_ROWS, NO_PROXY_ROWS
from userproxy.sources.kube.proxies import environment_proxy


def _has_namespaces() -> bool:
    unshare = shutil.which("unshare")
    return (
        unshare is not None and subprocess.run([unshare, "-rn", "true"], capture_output=True).returncode == 0
    )


def _cases() -> list[tuple[str, dict[str, str]]]:
    cases = []
    for parameters in NO_PROXY_ROWS:
        server, no_proxy, _ = cast("tuple[str, str, bool]", parameters.values)
        cases.append((server, {"HTTPS_PROXY": "http://PROXY", "NO_PROXY": no_proxy}))
    for parameters in ENVIRONMENT_ROWS:
        server, environ, proxy = cast("tuple[str, dict[str, str], str | None]", parameters.values)
        if proxy is None or proxy.startswith("http://proxy"):
            cases.append((server, {name: value and "PROXY" for name, value in environ.items()}))
    return cases


@needs_kubectl
@pytest.mark.skipif(
    not _has_namespaces(), reason="this machine lets us make no network namespace (unshare -rn)"
)
def test_kubectl_and_we_choose_the_same_way() -> None:
    cases = _cases()
    told = json.dumps([{"server": server, "environ": environ} for server, environ in cases])
    run = subprocess.run(
        ["unshare", "-rn", sys.executable, "-m", "tests.sources.kube.proxied"],
        input=told,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    ours = [environment_proxy(server, environ) is not None for server, environ in cases]
    assert len(set(ours)) == 2
    differing = [case for case, a, b in zip(cases, json.loads(run.stdout), ours, strict=True) if a is not b]
    assert differing == []
