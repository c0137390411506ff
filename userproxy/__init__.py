"""userproxy: a userspace kube-proxy.

Services from manifests, from calls or from a Kubernetes API server flow in; TCP connections and UDP
datagrams flow through. Importing this package starts nothing, configures nothing and takes no time: each
name is loaded when it is asked for, aiohttp and YAML when a source needs them.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers take it; `typing` itself takes a tenth of a start to load
if TYPE_CHECKING:
    from userproxy.errors import InvalidObject, NotListening, UserproxyError
    from userproxy.proxy import Address, Proxy, Snapshot
    from userproxy.settings import Addresses, DialMode, DialSettings, Limits, Settings, UdpSettings
    from userproxy.sources.files import FileSource
    from userproxy.sources.kube.lookup import find_connection
    from userproxy.sources.kube.source import KubeSource
    from userproxy.sources.memory import MemorySource

__all__ = [
    "Address",
    "Addresses",
    "DialMode",
    "DialSettings",
    "FileSource",
    "InvalidObject",
    "KubeSource",
    "Limits",
    "MemorySource",
    "NotListening",
    "Proxy",
    "Settings",
    "Snapshot",
    "UdpSettings",
    "UserproxyError",
    "find_connection",
]

_LOADED_WHEN_ASKED_FOR = {
    "Address": "userproxy.proxy",
    "Addresses": "userproxy.settings",
    "DialMode": "userproxy.settings",
    "DialSettings": "userproxy.settings",
    "FileSource": "userproxy.sources.files",
    "InvalidObject": "userproxy.errors",
    "KubeSource": "userproxy.sources.kube.source",
    "Limits": "userproxy.settings",
    "MemorySource": "userproxy.sources.memory",
    "NotListening": "userproxy.errors",
    "Proxy": "userproxy.proxy",
    "Settings": "userproxy.settings",
    "Snapshot": "userproxy.proxy",
    "UdpSettings": "userproxy.settings",
    "UserproxyError": "userproxy.errors",
    "find_connection": "userproxy.sources.kube.lookup",
}


def __getattr__(name: str) -> object:
    module = _LOADED_WHEN_ASKED_FOR.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(module), name)
