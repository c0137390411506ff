"""The C library asks ``--dns`` at port 53, in a network and a mount namespace of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line.own_network import answers_are, missing
from tests.command_line.test_run import manifest
from userproxy.testing.objects import endpoint_slice, service

WEB = "127.145.179.210"
"""Rule L1: of shop/web."""
FULL = "web.shop.svc.cluster.local"
SERVED = """
start server "$python" -m http.server --bind 127.0.0.1 --directory "$folder/served" 8000
start said "$python" -m userproxy run -f "$folder/m.yaml" --dns 127.0.0.1:53
listens said
"""


@pytest.mark.skipif(bool(missing()), reason=missing())
async def test_every_program_finds_services_by_name(tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "served/index.html").write_text("found\n")
    alias = service("shopping", type="ExternalName", externalName=FULL)
    slices = endpoint_slice("web", ["127.0.0.1:8000"], namespace="shop")
    (tmp_path / "m.yaml").write_text(manifest(service("web", 80, namespace="shop"), slices, alias))
    asked = {
        "getent hosts web.shop": {WEB},
        "getent hosts web": {WEB},
        f"getent hosts {FULL}": {WEB},
        "getent hosts shopping.default": {WEB},
        f"getent hosts {WEB}": {FULL},
        "getent hosts none.shop": {"failed: 2"},
        "curl --silent --show-error --max-time 30 http://web.shop/": {"found"},
        "curl --silent --show-error --max-time 30 http://web/": {"found"},
        f"curl --silent --show-error --max-time 30 http://{FULL}/": {"found"},
    }
    await answers_are(asked, tmp_path, SERVED)
