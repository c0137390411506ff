"""Every error that userproxy raises on purpose, as one tree.

The classes say whose fault it was: the configuration's, an object's, the API server's, an endpoint's,
or that of an address of this host. Messages name the object, the field and the value; they never
hold a token or a key.
"""

from __future__ import annotations

__all__ = [
    "AdminError",
    "ApiError",
    "ConfigError",
    "CredentialsError",
    "DocumentError",
    "InvalidObject",
    "ListenError",
    "LocalProtocolError",
    "NotListening",
    "ProtocolError",
    "RemoteProtocolError",
    "ResourceExpired",
    "TakeoverError",
    "UserproxyError",
    "WatchError",
    "WorkerError",
]


class UserproxyError(Exception):
    """The root: catching it catches whatever userproxy raises on purpose."""


class ConfigError(UserproxyError):
    """An option, a path or a setting is wrong; nothing was started. The command line exits with 2."""


class CredentialsError(ConfigError):
    """A kubeconfig, certificate, token or exec plugin cannot be used. Never holds the secret itself."""


class InvalidObject(UserproxyError):
    """A Kubernetes object given by a call is refused whole (rule D7); what served before goes on.

    The message has one line for each problem: object, field, value and what is wrong with it.
    """


class DocumentError(InvalidObject):
    """Text is neither YAML nor JSON, or over a limit of ours: none of its objects can be read.

    ``line`` and ``column`` count from 1; both are 0 when the fault has no place in the text.
    """

    def __init__(self, message: str, *, line: int = 0, column: int = 0) -> None:
        super().__init__(f"line {line}, column {column}: {message}" if line else message)
        self.message = message
        self.line = line
        self.column = column


class WatchError(UserproxyError):
    """Following the API server failed; the last tables go on being served."""


class ApiError(WatchError):
    """The API server answered with an error.

    ``status`` is the HTTP status, ``reason`` the Status object's reason ("" when there was none) and
    ``retry_after_s`` what its Retry-After header asked for, in seconds (None when absent).
    """

    def __init__(
        self, message: str, *, status: int, reason: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.retry_after_s = retry_after_s


class ResourceExpired(ApiError):
    """The resourceVersion (or continue token) is too old: list again (rule R5)."""


class ListenError(UserproxyError):
    """An address of this host cannot be listened on."""


class TakeoverError(UserproxyError):
    """The process that serves now cannot be taken over from; it goes on serving."""


class AdminError(UserproxyError):
    """A running proxy cannot be found, or asked; or no socket can be where it would be found."""


class NotListening(ListenError):
    """The service port is known, and refuses connections now: nothing could be sent to (rule T8, L5)."""


class ProtocolError(UserproxyError):
    """The rules of SPDY/3.1 were broken; which subclass it is says by whom."""


class LocalProtocolError(ProtocolError):
    """A call asks for what the protocol does not allow now. Nothing was sent; the session goes on."""


class RemoteProtocolError(ProtocolError):
    """The peer speaks another version, or nonsense, or goes over a limit of ours: the session is over."""


class WorkerError(UserproxyError):
    """Worker processes cannot be started, or do not speak our protocol."""
