"""Commands in a network and a mount namespace of their own, where port 53 of 127.0.0.1 is free."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.command_line.process import LIMIT_S
from tests.command_line.tools import missing_tools

__all__ = ["answers_are", "missing"]

IN_NAMESPACES = ["unshare", "--user", "--map-root-user", "--net", "--mount"]
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
python=$1; folder=$2; shift 2
trap 'for each in $started; do kill $each; wait $each; done' EXIT
"$python" -c "$PREPARE"
for file in resolv.conf nsswitch.conf hosts; do mount --bind "$folder/$file" "/etc/$file"; done
start() { output=$folder/$1; shift; "$@" >"$output" & started="$! $started"; }
listens() { until grep -q listening "$folder/$1" && kill -0 $!; do sleep 0.05; done; }
%s
while read -r command; do $command 2>&1 || echo "failed: $?"; echo ---; done
"""


def missing() -> str:
    """Why there is no such network here; "": there is."""
    if tools := missing_tools("unshare", "mount", "getent", "curl"):
        return tools
    if subprocess.run([*IN_NAMESPACES, "true"], capture_output=True, check=False).returncode:
        return "neither root nor unprivileged namespaces here"
    without = [name for name in FILES if not Path("/etc", name).exists()]
    return f"no /etc/{without[0]} here to put another over" if without else ""


async def answers_are(asked: Mapping[str, set[str]], folder: Path, preparation: str, *arguments: str) -> None:
    """Each command that is ``asked`` says one of its texts, after ``preparation`` in the same namespaces.

    That has ``$python``, ``$folder`` and its ``arguments``; ``start FILE COMMAND`` lets a process run until
    all has been asked, and ``listens FILE`` waits until the last one says that it listens.
    """
    for name, text in FILES.items():
        (folder / name).write_text(text)
    process = await asyncio.create_subprocess_exec(
        *IN_NAMESPACES, "sh", "-c", SCRIPT % preparation, "sh", sys.executable, str(folder), *arguments,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={
            "PREPARE": PREPARE, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder),
        },
    )  # fmt: skip
    async with asyncio.timeout(LIMIT_S):
        output, errors = await process.communicate("".join(f"{command}\n" for command in asked).encode())
    answers = output.decode().split("---\n")
    for (command, wanted), answer in zip(asked.items(), answers, strict=False):
        assert any(one in answer for one in wanted), f"{command}: {answer} {errors.decode()}"
    assert len(answers) == len(asked) + 1, errors.decode()
