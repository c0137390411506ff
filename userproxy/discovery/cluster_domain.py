"""The cluster domain: what the full names of Services end with."""

from __future__ import annotations

from userproxy.model.metadata import is_dns_subdomain

__all__ = ["DEFAULT_CLUSTER_DOMAIN", "cluster_domain"]

DEFAULT_CLUSTER_DOMAIN = "cluster.local"
"""As kubeadm sets it up, and most others."""
_LONGEST = 253 - len("." * 4 + "svc") - 3 * 63
"""Host name, Service and namespace of 63 characters each still fit before it (RFC 1035, 2.3.4)."""


def cluster_domain(text: str) -> str:
    """``text`` in lower case, without a dot at its end. Raises ValueError when it is no such domain."""
    domain = text.lower().removesuffix(".")
    if not is_dns_subdomain(domain):
        raise ValueError(f"{text!r} is no cluster domain: it has to be DNS labels, as in cluster.local")
    if len(domain) > _LONGEST:
        raise ValueError(f"{text!r} is too long for a cluster domain: at most {_LONGEST} characters")
    return domain
