"""What ``userproxy load`` is pointed at: a URL, taken apart or refused in one line."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from userproxy.errors import ConfigError

__all__ = ["HTTP", "TCP", "UDP", "Target", "parse_target"]

HTTP, TCP, UDP = "http", "tcp", "udp"
_SCHEMES = (HTTP, TCP, UDP)
_HTTP_PORT = 80


@dataclass(frozen=True, slots=True)
class Target:
    """``host`` is without brackets; ``path`` ("/..." with its query) means something for HTTP alone."""

    url: str
    scheme: str
    host: str
    port: int
    path: str = "/"

    @property
    def authority(self) -> str:
        """As the Host field has it (RFC 9110, 7.2): without the default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.scheme == HTTP and self.port == _HTTP_PORT else f"{host}:{self.port}"


def parse_target(url: str) -> Target:
    """Raises ConfigError for whatever is no http, tcp or udp URL with a host and a port (http: 80)."""
    # Characters that urlsplit would drop, or that would end a line of a request.
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigError(f"{url!r}: a URL has only printable ASCII characters and no blank; escape others")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"{url}: {error}") from error
    if parts.scheme == "https":
        raise ConfigError(f"{url}: https is not supported; point it at a plain http address")
    if parts.scheme not in _SCHEMES or not url.lower().startswith(f"{parts.scheme}://"):
        raise ConfigError(f"{url}: must begin with http://, tcp:// or udp://")
    if not parts.hostname:
        raise ConfigError(f"{url}: has no host")
    if parts.username is not None or parts.fragment:
        raise ConfigError(f"{url}: a user or a fragment (#) is not sent to anybody; leave it out")
    if parts.scheme != HTTP:
        _check_bare(url, parts, port)
    if port == 0:
        raise ConfigError(f"{url}: port 0 cannot be connected to")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(url, parts.scheme, parts.hostname, port if port is not None else _HTTP_PORT, path)


def _check_bare(url: str, parts: SplitResult, port: int | None) -> None:
    if port is None:
        raise ConfigError(f"{url}: has no port; write {parts.scheme}://{parts.netloc.rstrip(':')}:PORT")
    if parts.path not in ("", "/") or parts.query:
        raise ConfigError(f"{url}: a path means nothing for {parts.scheme}")
