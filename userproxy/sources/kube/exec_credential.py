"""The two JSON texts between us and an exec plugin: KUBERNETES_EXEC_INFO, and the ExecCredential it prints.

Pure, save that the certificate authority's text is passed in. The fields are those of
``client.authentication.k8s.io``, v1 and v1beta1 alike.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from userproxy.errors import CredentialsError
from userproxy.sources.kube.certificates import certificate_blocks, not_after
from userproxy.sources.kube.kubeconfig_fields import is_header_text
from userproxy.sources.kube.secret import Secret
from userproxy.sources.kube.target import Cluster
from userproxy.sources.kube.tls import ClientCertificate

__all__ = ["ExecCredential", "exec_info", "parse_credential"]


@dataclass(frozen=True, slots=True)
class ExecCredential:
    """What a plugin gave: a token, a client certificate, or both."""

    token: Secret | None
    certificate: ClientCertificate | None
    expires_at: float | None
    """Seconds since the epoch: expirationTimestamp or the certificate's end, what is first. None: unknown."""


def exec_info(
    api_version: str, *, interactive: bool, cluster: Cluster | None, authorities: str | None = None
) -> str:
    """The ExecCredential that a plugin finds in its environment; ``cluster`` only when it asked for it."""
    spec: dict[str, object] = {"interactive": interactive}
    if cluster is not None:
        stated: dict[str, object] = {
            "tls-server-name": cluster.tls_server_name,
            "insecure-skip-tls-verify": cluster.insecure,
            "certificate-authority-data": base64.b64encode((authorities or "").encode()).decode(),
            "proxy-url": cluster.proxy_url.reveal() if cluster.proxy_url is not None else "",
            "disable-compression": cluster.disable_compression,
        }
        spec["cluster"] = {
            "server": cluster.server,
            **{name: value for name, value in stated.items() if value},
            "config": json.loads(cluster.exec_config or "null"),
        }
    return json.dumps({"kind": "ExecCredential", "apiVersion": api_version, "spec": spec})


def parse_credential(printed: Secret, *, api_version: str, origin: str) -> ExecCredential:
    """The credential in what the plugin ``origin`` ``printed``.

    Raises CredentialsError, without a word of what was printed, when it is no ExecCredential of
    ``api_version`` with a token or with a certificate and its key.
    """
    document = _json(printed, origin)
    if document.get("kind") != "ExecCredential" or document.get("apiVersion") != api_version:
        raise CredentialsError(f"{origin}: printed no ExecCredential of {api_version}")
    status = document.get("status")
    if not isinstance(status, Mapping):
        raise CredentialsError(f"{origin}: printed no status")
    fields = cast("Mapping[object, object]", status)
    token = _text(fields, "token", origin)
    if not is_header_text(token):
        raise CredentialsError(f"{origin}: status.token: holds a line break or another control character")
    chain, key = _text(fields, "clientCertificateData", origin), _text(fields, "clientKeyData", origin)
    if bool(chain) != bool(key):
        raise CredentialsError(f"{origin}: printed a client certificate or its key, not both")
    if not token and not chain:
        raise CredentialsError(f"{origin}: printed neither a token nor a client certificate")
    ends = [_timestamp(fields, origin), _end_of(chain, origin)]
    return ExecCredential(
        token=Secret(token) if token else None,
        certificate=_certificate(chain, key, origin),
        expires_at=min((end.timestamp() for end in ends if end is not None), default=None),
    )


def _json(printed: Secret, origin: str) -> Mapping[object, object]:
    try:
        document: object = json.loads(printed.reveal())
    except (ValueError, RecursionError):
        # Raised below and not from here: the decoder's error holds all that was printed.
        document = None
    if not isinstance(document, Mapping):
        raise CredentialsError(f"{origin}: printed no JSON object")
    return cast("Mapping[object, object]", document)


def _text(fields: Mapping[object, object], name: str, origin: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise CredentialsError(f"{origin}: status.{name}: must be a string")
    return value


def _timestamp(fields: Mapping[object, object], origin: str) -> datetime | None:
    """expirationTimestamp, RFC 3339."""
    text = _text(fields, "expirationTimestamp", origin)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        # Raised below and not from here: the error quotes what was printed.
        pass
    else:
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    raise CredentialsError(f"{origin}: status.expirationTimestamp: is no time (RFC 3339)")


def _end_of(chain: str, origin: str) -> datetime | None:
    if not chain:
        return None
    blocks = certificate_blocks(chain)
    try:
        return not_after(blocks[0])
    except (IndexError, ValueError) as error:
        raise CredentialsError(f"{origin}: status.clientCertificateData: holds no PEM certificate") from error


def _certificate(chain: str, key: str, origin: str) -> ClientCertificate | None:
    if not chain:
        return None
    where = f"{origin}: status"
    return ClientCertificate(chain, Secret(key), f"{where}.clientCertificateData", f"{where}.clientKeyData")
