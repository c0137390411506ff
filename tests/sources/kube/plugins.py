"""Exec plugins for tests: small shell scripts, because a shell starts in a millisecond."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

__all__ = ["V1", "V1BETA1", "credential", "runs", "write_plugin"]

V1, V1BETA1 = "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"


def credential(api_version: str = V1, **status: object) -> str:
    """What a plugin prints."""
    return json.dumps({"kind": "ExecCredential", "apiVersion": api_version, "status": status})


def write_plugin(folder: Path, script: str = "", *, prints: str = "", name: str = "plug") -> Path:
    """A plugin that runs ``script``, then prints ``prints``; it notes each run in the file ``runs``."""
    path = folder / name
    path.write_text(
        f"#!/bin/sh\necho run >> {shlex.quote(str(folder / 'runs'))}\n{script}\n"
        + (f"printf '%s' {shlex.quote(prints)}\n" if prints else "")
    )
    path.chmod(0o755)
    return path


def runs(folder: Path) -> int:
    """How often the plugins in ``folder`` ran."""
    noted = folder / "runs"
    return len(noted.read_text().splitlines()) if noted.exists() else 0
