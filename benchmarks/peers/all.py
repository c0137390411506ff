"""Every peer, by name, in the order of reports."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.peers.base import Peer
from benchmarks.peers.direct import Direct
from benchmarks.peers.haproxy import HAProxy
from benchmarks.peers.nginx import Nginx
from benchmarks.peers.pproxy import PProxy
from benchmarks.peers.streams import Streams
from benchmarks.peers.userproxy import Userproxy

__all__ = ["PEERS"]

_ALL: tuple[Peer, ...] = (
    Direct(),
    Userproxy(),
    Userproxy("asyncio", "userproxy-asyncio"),
    Userproxy("uvloop", "userproxy-2-workers", workers=2),
    HAProxy(),
    HAProxy("haproxy-splice"),
    HAProxy("haproxy-256k"),
    Nginx(),
    PProxy(),
    Streams(),
)
PEERS: Mapping[str, Peer] = {peer.name: peer for peer in _ALL}
