"""Kubeconfig files for tests, written as JSON (which is YAML)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

__all__ = ["named", "write_kubeconfig"]


def named(kind: str, entries: Mapping[str, object]) -> list[object]:
    """``entries`` as the list that a kubeconfig holds: name, and what it is under ``kind``."""
    return [{"name": name, kind: entry} for name, entry in entries.items()]


def write_kubeconfig(
    path: Path,
    *,
    user: Mapping[str, object] | None = None,
    cluster: Mapping[str, object] | None = None,
    server: str = "https://kube.example",
    namespace: str | None = None,
) -> Path:
    """One context "here" of one cluster "c" and one user "dev", chosen as current-context."""
    context: dict[str, object] = {"cluster": "c", "user": "dev"}
    if namespace is not None:
        context["namespace"] = namespace
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": named("context", {"here": context}),
        "clusters": named("cluster", {"c": {"server": server, **(cluster or {})}}),
        "users": named("user", {"dev": dict(user or {})}),
    }
    path.write_text(json.dumps(config))
    return path
