"""A kubeconfig that leads to the API server."""

from __future__ import annotations

import base64
from pathlib import Path

import orjson

from userproxy.replaced_file import replaced_file

__all__ = ["write_kubeconfig"]


def write_kubeconfig(
    path: Path,
    server: str,
    *,
    certificate_authority: bytes = b"",
    token: str = "",
    namespace: str = "",
    name: str = "userproxy",
) -> None:
    """Write a kubeconfig with one cluster, user and context, all called ``name``; only the owner may read it.

    The file appears whole or not at all, and replaces what was there. Written as JSON, which every reader of
    YAML reads. Raises OSError.
    """
    cluster: dict[str, object] = {"server": server}
    if certificate_authority:
        cluster["certificate-authority-data"] = base64.b64encode(certificate_authority).decode()
    context = {"cluster": name, "user": name, **({"namespace": namespace} if namespace else {})}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": {"token": token} if token else {}}],
        "contexts": [{"name": name, "context": context}],
        "current-context": name,
    }
    with replaced_file(path) as file:
        file.write(orjson.dumps(config, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
