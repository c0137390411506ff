"""What can be wrong with an API server, worded once as problems of the source. Pure."""

from __future__ import annotations

from userproxy.errors import UserproxyError
from userproxy.model.names import ObjectRef
from userproxy.model.problems import Problem, Severity
from userproxy.sources.kube.resources import NODES, Collection

__all__ = ["api_server", "no_such_node", "not_served", "server_lost"]


def api_server(server: str) -> ObjectRef:
    """What the problems are about."""
    return ObjectRef("API server", "", server)


def server_lost(source: ObjectRef, error: UserproxyError) -> Problem:
    """Nothing can be asked of the server."""
    return Problem(source, "", "", "R5", f"{error}; {_GOES_ON}")


def not_served(source: ObjectRef, collection: Collection, error: UserproxyError) -> Problem:
    """One collection cannot be followed. Services and slices are needed, the Node is not (rule N2)."""
    if collection.resource is NODES:
        message = f"{error}; without this Node zone hints cannot match"
        return Problem(source, collection.name, "", "N2", message, Severity.WARNING)
    return Problem(source, collection.name, "", "R5", f"{error}; {_GOES_ON}")


def no_such_node(source: ObjectRef, name: str) -> Problem:
    """The server knows no Node ``name``."""
    message = "there is no such Node; until there is, zone hints cannot match"
    return Problem(source, NODES.name, name, "N2", message, Severity.WARNING)


_GOES_ON = "what was known goes on being served, and it is tried again"
