"""The credentials that a pod has of its own: a service account's token, mounted as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from userproxy.errors import CredentialsError
from userproxy.sources.kube.file_value import read_text
from userproxy.sources.kube.server_url import server_url
from userproxy.sources.kube.target import Cluster, Pem, Target, User

__all__ = ["SERVICE_ACCOUNT", "incluster_target"]

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def incluster_target(environ: Mapping[str, str], folder: Path = SERVICE_ACCOUNT) -> Target | None:
    """The API server and the service account of this pod; None where this is no pod, or it has no token.

    The token's file is named, not read: it is replaced every hour or so. Raises CredentialsError when
    the variables name no server.
    """
    host = environ.get("KUBERNETES_SERVICE_HOST", "")
    port = environ.get("KUBERNETES_SERVICE_PORT", "")
    token = folder / "token"
    if not host or not port or not token.is_file():
        return None
    origin = "the service account of this pod"
    try:
        server = server_url(f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}")
    except ValueError as error:
        raise CredentialsError(f"KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT: {error}") from error
    authorities = folder / "ca.crt"
    namespace = folder / "namespace"
    return Target(
        origin=origin,
        cluster=Cluster(
            origin=origin,
            server=server,
            # Without it the system's authorities count, as for client-go.
            authorities=Pem(f"{origin}: ca.crt", path=authorities) if authorities.is_file() else None,
        ),
        user=User(origin=origin, token_file=token),
        namespace=(read_text(namespace, origin).strip() if namespace.is_file() else "") or "default",
        in_cluster=True,
    )
