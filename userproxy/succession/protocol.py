"""Who says what in which order: the new process asks, the old one answers.

1. `HELLO`: both say who they are. The old one goes on as usual while the new one follows its source.
2. `LISTENERS`: numbers that ports moved to, and bound sockets. The old one changes none from here on.
3. `FLOWS`: who has affinity to what, and UDP flows with their sockets, while the old one goes on forwarding.
   With workers: a way to each of them, by which the new worker of the same number asks it all this.
4. `FREEZE`, with the listeners that are not wanted. The old one leaves UDP alone from here on, and tells what
   has become of the flows, which ones are new, and which clients wait for an endpoint.
5. `SERVING`: not a question any more. Once it is sent, the new process serves; once it is read, the old one
   lets go, and says so. Before that, whatever goes wrong, the old one goes on.

An answer of many items comes in several messages; `MORE` asks for the next.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import version

from userproxy.errors import TakeoverError

__all__ = [
    "FLOWS",
    "FREEZE",
    "HELLO",
    "LISTENERS",
    "MORE",
    "PROTOCOL",
    "SERVING",
    "fault_of_hello",
    "greeting",
]

PROTOCOL = 1
"""Changes when processes of before and after would misunderstand each other."""
FLOWS = "flows"
HELLO = "hello"
LISTENERS = "listeners"
FREEZE = "freeze"
MORE = "more"
SERVING = "serving"


def greeting(workers: int = 1) -> dict[str, object]:
    """What both say first. ``workers``: how many processes have the sockets that carry traffic."""
    return {
        "ask": HELLO, "userproxy": version("userproxy"), "protocol": PROTOCOL, "pid": os.getpid(),
        "workers": workers,
    }  # fmt: skip


def fault_of_hello(said: Mapping[str, object], workers: int = 1) -> str:
    """Why the process that greets so cannot be talked to by one with ``workers``; "" when it can.

    Raises TakeoverError when it is no userproxy.
    """
    release, protocol, pid = said.get("userproxy"), said.get("protocol"), said.get("pid")
    if said.get("ask") != HELLO or not isinstance(release, str) or not isinstance(protocol, int):
        raise TakeoverError("is served by another program")
    if protocol != PROTOCOL:
        return (
            f"userproxy {release} (process {pid}) speaks takeover protocol {protocol},"
            f" userproxy {version('userproxy')} speaks {PROTOCOL}"
        )
    theirs = said.get("workers", 1)
    if theirs != workers:
        return f"process {pid} runs with --workers {theirs}, this one with --workers {workers}: must be equal"
    return ""
