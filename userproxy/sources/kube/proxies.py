"""Which HTTP proxy leads to an API server, by kubeconfig and environment as kubectl decides it. Pure.

The rules are those of Go's ``http.ProxyFromEnvironment`` (golang.org/x/net/http/httpproxy): an upper
case variable before its lower case twin, loopback addresses and "localhost" never through a proxy of
the environment, NO_PROXY by name, domain, address, CIDR and port. A kubeconfig's ``proxy-url`` wins
over all of that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from userproxy.errors import ConfigError
from userproxy.sources.kube.server_url import is_loopback

__all__ = ["check_proxy_url", "environment_proxy"]

_PORTS = {"http": 80, "https": 443}
_CIDR = re.compile(r"[0-9a-fA-F:.]+/[0-9]+")
_BRACKETED = re.compile(r"\[(?P<host>.*)\]:(?P<port>[^:]*)")


def environment_proxy(server: str, environ: Mapping[str, str]) -> str | None:
    """The proxy that ``environ`` states for ``server``; None: straight there.

    Raises ConfigError when the variable that counts holds no proxy that we can use.
    """
    parts = urlsplit(server)
    for name in (f"{parts.scheme.upper()}_PROXY", f"{parts.scheme}_proxy"):
        proxy = environ.get(name, "")
        if proxy:
            break
    else:
        return None
    host = (parts.hostname or "").lower()
    port = parts.port or _PORTS[parts.scheme]
    if is_loopback(host) or _excluded(host, port, environ.get("NO_PROXY") or environ.get("no_proxy") or ""):
        return None
    if not proxy.lower().startswith(("http://", "https://", "socks5://")):
        proxy = f"http://{proxy}"
    try:
        check_proxy_url(proxy)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error
    return proxy


def check_proxy_url(proxy: str) -> None:
    """Raise ValueError, without the text (it may hold a password), when ``proxy`` cannot be used."""
    try:
        parts = urlsplit(proxy)
        _ = parts.port
    except ValueError:
        # Raised below and not from here: urllib's error quotes the URL.
        parts = None
    if parts is None:
        raise ValueError("is no URL")
    if parts.scheme in ("socks5", "socks5h"):
        raise ValueError("socks5 proxies are not supported; give an http:// or https:// one")
    if parts.scheme not in _PORTS:
        raise ValueError("must be an http:// or https:// URL")
    if not parts.hostname:
        raise ValueError("names no host")


def _excluded(host: str, port: int, no_proxy: str) -> bool:
    address = _address(host)
    return any(_matches(entry.strip().lower(), host, address, port) for entry in no_proxy.split(","))


def _matches(entry: str, host: str, address: IPv4Address | IPv6Address | None, port: int) -> bool:
    """Whether one entry of NO_PROXY is about this host."""
    if entry == "*":
        return True
    if _CIDR.fullmatch(entry):
        try:
            return address is not None and address in ip_network(entry, strict=False)
        except ValueError:
            return False
    name, entry_port = _split_port(entry)
    if not name or entry_port not in ("", str(port)):
        return False
    entry_address = _address(name)
    if entry_address is not None or address is not None:
        return address == entry_address
    name = name.removeprefix("*")
    return host.endswith(name) if name.startswith(".") else host == name or host.endswith(f".{name}")


def _split_port(entry: str) -> tuple[str, str]:
    """Host and port of an entry; the port is "" where none is stated."""
    bracketed = _BRACKETED.fullmatch(entry)
    if bracketed is not None:
        return bracketed["host"], bracketed["port"]
    if entry.count(":") == 1:
        host, _, port = entry.partition(":")
        return host, port
    return entry, ""


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The IP address in ``text``, an IPv4-mapped one as IPv4; None for a name, or a zone as in Go."""
    if "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
