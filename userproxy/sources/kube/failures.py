"""Ways in which following the API server fails, beside those of `userproxy.errors` that embedders meet.

`positions` decides by these classes what is asked next, `outages` how it is told.
"""

from __future__ import annotations

from userproxy.errors import ResourceExpired, WatchError

__all__ = [
    "ClusterChanged",
    "ContinueExpired",
    "EndedEarly",
    "NotKubernetes",
    "Undecodable",
    "Unreachable",
    "WrongAnswer",
    "WrongStream",
]


class ClusterChanged(WatchError):
    """Credentials lead to another cluster than the one whose resourceVersion we hold."""


class Unreachable(WatchError):
    """No connection to the API server could be made; nothing was asked of it."""


class NotKubernetes(WatchError):
    """Something answered, and it is no Kubernetes API server."""


class WrongAnswer(WatchError):
    """The answer is not what was asked for: another kind, or no JSON (rule R8)."""


class WrongStream(WrongAnswer):
    """A watch was accepted and then brought what is no watch event, or a line without end (rule R8)."""


class Undecodable(WrongStream):
    """A watch event that is not JSON, holds no object, or one without metadata.name (rule R8)."""


class EndedEarly(WatchError):
    """A watch ended in under a second and brought nothing (rule R5)."""


class ContinueExpired(ResourceExpired):
    """A list took longer than its continue token lived: it starts again (rule R3)."""
