"""Where the cluster is: one `Connection` out of options, environment and files, in kubectl's order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from userproxy.errors import ConfigError
from userproxy.sources.kube.connection import AnonymousConnection
from userproxy.sources.kube.credentials import ClusterConnection, TargetSource
from userproxy.sources.kube.incluster import SERVICE_ACCOUNT, incluster_target
from userproxy.sources.kube.kubeconfig import EmptyKubeconfig, KubeconfigTarget
from userproxy.sources.kube.proxies import environment_proxy
from userproxy.sources.kube.server_url import server_url
from userproxy.sources.kube.target import Target

__all__ = ["NoClusterFound", "find_connection"]


class NoClusterFound(ConfigError):
    """No option names a cluster, and none can be found. The message says what to give."""


def find_connection(
    *,
    kubeconfig: Path | None = None,
    context: str | None = None,
    server: str | None = None,
    environ: Mapping[str, str],
    home: Path,
    service_account: Path = SERVICE_ACCOUNT,
) -> AnonymousConnection | ClusterConnection:
    """The connection that the options ask for, else the first of these that is there.

    ``server``, without any credentials; the ``kubeconfig`` file; the files that KUBECONFIG names, merged;
    ``home``/.kube/config; the service account of this pod. ``context`` chooses within a kubeconfig. A file
    from KUBECONFIG or ``home`` that states nothing counts as absent.

    Raises NoClusterFound when there is none, and ConfigError (CredentialsError for a kubeconfig) when
    what was found cannot be used: a file that is missing or no YAML, no such context (those that exist
    are named), a field that is wrong, a certificate that has expired. No request is made, no plugin run.
    """
    if server is not None:
        if kubeconfig is not None or context is not None:
            raise ConfigError("--server cannot be combined with --kubeconfig or --context")
        return _anonymous(server, environ)
    files = (kubeconfig,) if kubeconfig is not None else _default_files(environ, home)
    if context and not files:
        raise NoClusterFound(f"--context {context}: there is no kubeconfig; give --kubeconfig FILE")
    if files:
        try:
            return _checked(KubeconfigTarget(files, context or ""), environ)
        except EmptyKubeconfig:
            if kubeconfig is not None or context:
                raise
    pod = incluster_target(environ, service_account)
    if pod is not None:
        return _checked(_Fixed(pod), environ)
    raise NoClusterFound(
        "no cluster found: give -f PATH, --kubeconfig FILE or --server URL"
        f" (KUBECONFIG, {home / '.kube' / 'config'} and in-cluster credentials name none)"
    )


class _Fixed:
    """A target that nothing changes: that of a pod."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def __call__(self, *, again: bool = False) -> Target:
        return self._target


def _checked(source: TargetSource, environ: Mapping[str, str]) -> ClusterConnection:
    connection = ClusterConnection(source, environ=environ)
    connection.check()
    return connection


def _anonymous(server: str, environ: Mapping[str, str]) -> AnonymousConnection:
    try:
        url = server_url(server)
    except ValueError as error:
        raise ConfigError(f"--server: {error}") from error
    return AnonymousConnection(url, environment_proxy(url, environ))


def _default_files(environ: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """The kubeconfig files that count without --kubeconfig; empty when there is none."""
    listed = environ.get("KUBECONFIG", "")
    if listed:
        return tuple(dict.fromkeys(Path(name) for name in listed.split(os.pathsep) if name))
    default = home / ".kube" / "config"
    return (default,) if os.path.exists(default) else ()
