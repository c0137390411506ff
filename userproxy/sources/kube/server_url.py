"""Base URLs of API servers, read as kubectl reads them. Pure."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

__all__ = ["is_loopback", "server_url"]


def server_url(text: str) -> str:
    """``text`` as a base URL: scheme http where none is given, no query, no trailing slash.

    Raises ValueError, without the text, when it is no http or https URL, or holds a password (which
    would show up wherever the server is named).
    """
    parts = _split(text if "://" in text else f"http://{text}")
    if parts.scheme not in ("http", "https"):
        raise ValueError("must be an http:// or https:// URL")
    if parts.username is not None:
        raise ValueError("must not hold a user name or password")
    if not parts.hostname:
        raise ValueError("names no host")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """Whether ``host`` (as ``SplitResult.hostname`` gives it) can only be this machine."""
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # Raised below and not from here: urllib's error quotes the URL.
        parts = None
    if parts is None or any(character.isspace() for character in url):
        raise ValueError("is no URL")
    return parts
