"""What a kubeconfig's context (or a pod's service account) comes to: one cluster and one user, as values.

Nothing is read here: files are named by absolute path, whoever uses them reads them. Messages call a
cluster or a user by ``origin``. No ``repr`` shows a secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from userproxy.sources.kube.impersonation import Impersonation
from userproxy.sources.kube.secret import Secret

__all__ = ["Cluster", "ExecPlugin", "InteractiveMode", "Pem", "Target", "User"]


@dataclass(frozen=True, slots=True)
class Pem:
    """PEM text of a certificate or key: given inline (``text``), or to be read from ``path``."""

    origin: str
    """As in "user 'dev' of FILE: client-key-data"."""
    path: Path | None = None
    text: Secret | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where the API server is and how it is known for itself."""

    origin: str
    """As in "cluster 'prod' of FILE"."""
    server: str
    """Base URL without a trailing slash."""
    authorities: Pem | None = None
    insecure: bool = False
    tls_server_name: str | None = None
    proxy_url: Secret | None = None
    """None: the environment decides."""
    disable_compression: bool = False
    exec_config: str = ""
    """JSON of the extension ``client.authentication.k8s.io/exec``, which a plugin is told; "": none."""


class InteractiveMode(StrEnum):
    """Whether an exec plugin may talk to the person at the terminal."""

    NEVER = "Never"
    IF_AVAILABLE = "IfAvailable"
    ALWAYS = "Always"


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """A command that prints credentials (``client.authentication.k8s.io``)."""

    command: str
    """A name to be looked up in PATH, or an absolute path."""
    api_version: str
    args: tuple[str, ...] = field(default=(), repr=False)
    env: tuple[tuple[str, Secret], ...] = field(default=(), repr=False)
    interactive_mode: InteractiveMode = InteractiveMode.IF_AVAILABLE
    provide_cluster_info: bool = False
    install_hint: str = ""


@dataclass(frozen=True, slots=True)
class User:
    """How we prove who we are."""

    origin: str
    """As in "user 'dev' of FILE"."""
    token: Secret | None = None
    token_file: Path | None = None
    username: str = ""
    password: Secret | None = None
    certificate: Pem | None = None
    key: Pem | None = None
    exec: ExecPlugin | None = None
    impersonation: Impersonation | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One cluster, one user, and the namespace that the context names."""

    origin: str
    """As in "context 'dev' of FILE"."""
    cluster: Cluster
    user: User
    namespace: str = "default"
    in_cluster: bool = False
    """It is that of the pod that this process runs in."""
