"""aiohttp's errors, mapped where they enter into ours. No message holds a header, a token or a password."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from yarl import URL

from userproxy.errors import CredentialsError, UserproxyError, WatchError
from userproxy.sources.kube.answers import trimmed
from userproxy.sources.kube.failures import NotKubernetes, Unreachable

__all__ = ["mapped", "without_userinfo"]


@contextmanager
def mapped(asked: object, server: str, timeouts: aiohttp.ClientTimeout) -> Iterator[None]:
    """Let aiohttp's errors leave as Unreachable, NotKubernetes, CredentialsError or WatchError.

    ``asked``, as text, is what was asked.

    Where aiohttp's error holds the request, with the token in its headers, or a URL, with a password,
    the cause is what lies below it, or none.
    """
    try:
        yield
    except aiohttp.ClientConnectorCertificateError as error:
        why = _why(error.certificate_error)
        raise Unreachable(f"the certificate of {server} is not accepted: {why}") from error.certificate_error
    except aiohttp.ClientConnectorError as error:
        raise _not_connected(error, server) from error.os_error
    except aiohttp.ConnectionTimeoutError as error:
        raise Unreachable(f"{server} cannot be reached: no connection in {timeouts.connect:g} s") from error
    except aiohttp.ClientHttpProxyError as error:
        raise Unreachable(f"{server} cannot be reached: the proxy answered HTTP {error.status}") from None
    except aiohttp.ClientResponseError as error:
        said = trimmed(error.message)
        raise NotKubernetes(f"{server} answers with something that is no HTTP: {said}") from None
    except (aiohttp.ServerTimeoutError, TimeoutError) as error:
        limits = f"{timeouts.sock_read:g} s of silence"
        if timeouts.total is not None:
            limits = f"{limits}, or {timeouts.total:g} s in all"
        raise WatchError(f"{asked}: given up after {limits}") from error
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
        raise CredentialsError(f"{server} or its proxy is no URL that can be used") from None
    except aiohttp.ClientPayloadError as error:
        raise WatchError(f"{asked}: the answer is cut short or garbled") from error
    except (aiohttp.ClientError, OSError) as error:
        raise WatchError(f"{asked}: the connection was cut: {_why(error)}") from error
    except ValueError:
        # aiohttp refuses headers with line breaks; the text of the error is not to be trusted with them.
        raise CredentialsError(f"{asked}: a header of the credentials is malformed") from None


def without_userinfo(url: str) -> str:
    """``url`` as it may be shown: without user and password."""
    if "@" not in url:
        return url
    try:
        return str(URL(url).with_user(None))
    except ValueError:
        return "an unreadable URL"


def _not_connected(error: aiohttp.ClientConnectorError, server: str) -> UserproxyError:
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return Unreachable(f"the proxy {error.host}:{error.port} cannot be reached: {_why(error.os_error)}")
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return Unreachable(f"no TLS with {server}: {_why(error.os_error)}")
    return Unreachable(f"{server} cannot be reached: {_why(error.os_error)}")


def _why(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error.__cause__, ssl.SSLError):
        error = error.__cause__  # aiohttp's copy has an errno that means something else
    if isinstance(error, ssl.SSLError):
        return trimmed((error.reason or str(error)).replace("_", " ").lower())
    # getaddrinfo's numbers are negative and not errno's.
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return trimmed(str(error)) or type(error).__name__
