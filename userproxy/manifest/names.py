"""The rules for names, keys and values that Kubernetes shares between its kinds."""

from __future__ import annotations

import re

from userproxy.model.metadata import is_dns_label, is_dns_subdomain

__all__ = [
    "DNS_LABEL",
    "DNS_LABEL_1035",
    "DNS_SUBDOMAIN",
    "LABEL_VALUE",
    "PORT_NAME",
    "QUALIFIED_NAME",
    "is_dns_label_1035",
    "is_dns_subdomain",
    "is_label_value",
    "is_port_name",
    "is_qualified_name",
]

DNS_LABEL = "must be a DNS label: at most 63 of a-z, 0-9 and inner hyphens"
DNS_LABEL_1035 = "must be a DNS label that starts with a letter: at most 63 of a-z, 0-9 and inner hyphens"
DNS_SUBDOMAIN = "must be a DNS subdomain: labels of a-z, 0-9 and inner hyphens, joined by dots, at most 253"
QUALIFIED_NAME = (
    "must be at most 63 letters, digits, '-', '_' or '.', with a letter or digit at both ends,"
    " after an optional DNS subdomain and '/'"
)
LABEL_VALUE = (
    "must be empty or at most 63 letters, digits, '-', '_' or '.', with a letter or digit at both ends"
)
PORT_NAME = "must be 1-65535, or at most 15 of a-z, 0-9 and single inner hyphens with a letter among them"

_NAME = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_PORT_NAME = re.compile(r"(?=.*[a-z])(?!.*--)[a-z0-9](?:[-a-z0-9]{0,13}[a-z0-9])?")


def is_dns_label_1035(text: str) -> bool:
    """A DNS label that starts with a letter, as the name of a Service must (RFC 1035, 2.3.1)."""
    return is_dns_label(text) and not text[0].isdigit()


def is_qualified_name(text: str) -> bool:
    """A key of a label or annotation, a finalizer: ``app`` or ``example.com/app``."""
    prefix, slash, name = text.rpartition("/")
    return (not slash or is_dns_subdomain(prefix)) and _NAME.fullmatch(name) is not None


def is_label_value(text: str) -> bool:
    return not text or _NAME.fullmatch(text) is not None


def is_port_name(text: str) -> bool:
    """A name that ``targetPort`` may have (RFC 6335, 5.1)."""
    return _PORT_NAME.fullmatch(text) is not None
