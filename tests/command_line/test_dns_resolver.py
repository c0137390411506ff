"""The C library asks ``--dns`` at port 53, in a network and a mount namespace of the test's own."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line.process import LIMIT_S
from tests.command_line.test_run import manifest
from userproxy.testing.objects import endpoint_slice, service

IN_NAMESPACES = ["unshare", "--user", "--map-root-user", "--net", "--mount"]
WEB = "127.145.179.210"
"""Rule L1: of shop/web."""
FULL = "web.shop.svc.cluster.local"
FILES = {
    "resolv.conf": "nameserver 127.0.0.1\nsearch shop.svc.cluster.local svc.cluster.local cluster.local\n"
    "options ndots:5 timeout:20\n",
    "nsswitch.conf": "hosts: files dns\n",
    "hosts": "127.0.0.1 localhost\n",
}
PREPARE = """
import fcntl, socket, struct
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP (netdevice(7))
"""
SCRIPT = """
set -e
python=$1; folder=$2
"$python" -c "$PREPARE"
for file in resolv.conf nsswitch.conf hosts; do mount --bind "$folder/$file" "/etc/$file"; done
"$python" -m http.server --bind 127.0.0.1 --directory "$folder/served" 8000 >"$folder/server" 2>&1 &
server=$!
"$python" -m userproxy run -f "$folder/m.yaml" --dns 127.0.0.1:53 >"$folder/said" &
proxy=$!
trap 'kill $server $proxy; wait' EXIT
until grep -q listening "$folder/said" && kill -0 $proxy; do sleep 0.05; done
while read -r command; do $command 2>&1 || echo "failed: $?"; echo ---; done
"""


def missing() -> str:
    tools = [tool for tool in ("unshare", "mount", "getent", "curl") if shutil.which(tool) is None]
    if tools:
        return f"no {' and no '.join(tools)} here"
    if subprocess.run([*IN_NAMESPACES, "true"], capture_output=True, check=False).returncode:
        return "neither root nor unprivileged namespaces here"
    without = [name for name in FILES if not Path("/etc", name).exists()]
    return f"no /etc/{without[0]} here to put another over" if without else ""


@pytest.mark.skipif(bool(missing()), reason=missing())
async def test_every_program_finds_services_by_name(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "served").mkdir()
    (tmp_path / "served/index.html").write_text("found\n")
    alias = service("shopping", type="ExternalName", externalName=FULL)
    slices = endpoint_slice("web", ["127.0.0.1:8000"], namespace="shop")
    (tmp_path / "m.yaml").write_text(manifest(service("web", 80, namespace="shop"), slices, alias))
    asked = {
        "getent hosts web.shop": WEB,
        "getent hosts web": WEB,
        f"getent hosts {FULL}": WEB,
        "getent hosts shopping.default": WEB,
        f"getent hosts {WEB}": FULL,
        "getent hosts none.shop": "failed: 2",
        "curl --silent --show-error --max-time 30 http://web.shop/": "found",
        "curl --silent --show-error --max-time 30 http://web/": "found",
        f"curl --silent --show-error --max-time 30 http://{FULL}/": "found",
    }
    process = await asyncio.create_subprocess_exec(
        *IN_NAMESPACES, "sh", "-c", SCRIPT, "sh", sys.executable, str(tmp_path),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={"PREPARE": PREPARE, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "XDG_RUNTIME_DIR": str(tmp_path)},
    )  # fmt: skip
    async with asyncio.timeout(LIMIT_S):
        output, _ = await process.communicate("".join(f"{command}\n" for command in asked).encode())
    answers = output.decode().split("---\n")
    for (command, wanted), answer in zip(asked.items(), answers, strict=False):
        assert wanted in answer, f"{command}: {answer}"
    assert len(answers) == len(asked) + 1
