"""What a kubelet with containerd says of a connection that failed, word for word as its clients meet it."""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import dataclass

import orjson

__all__ = ["Sandbox"]


@dataclass(frozen=True, slots=True)
class Sandbox:
    """One port of one Pod, as the runtime names it: by the sandbox, never by the Pod."""

    uid: str
    port: int

    @property
    def id(self) -> str:
        return hashlib.sha256(self.uid.encode()).hexdigest()

    def refused(self, error: OSError) -> str:
        """Nothing listens there, or it cannot be reached."""
        why = _words(error)
        return self._failed(
            f'failed to connect to localhost:{self.port} inside namespace "{self.id}",'
            f" IPv4: dial tcp4 127.0.0.1:{self.port}: connect: {why}"
            f" IPv6 dial tcp6 [::1]:{self.port}: connect: {why} "
        )

    def broken(self, error: OSError, local_port: int) -> str:
        """The connection to the pod broke."""
        call = "write" if error.errno == errno.EPIPE else "read"
        places = f"127.0.0.1:{local_port}->127.0.0.1:{self.port}"
        return self._failed(f"{call} tcp4 {places}: {call}: {_words(error)}")

    def stated(self, text: str) -> str:
        """A text of a test's own, as the kubelet passes it on."""
        return f"error forwarding port {self.port} to pod {self.id}, uid : {text}"

    def as_json(self, text: str, *, close_connection: bool) -> str:
        """As newer kubelets write it."""
        fields = {"closeConnection": True} if close_connection else {}
        return orjson.dumps({**fields, "message": text}).decode() + "\n"

    def _failed(self, why: str) -> str:
        namespace = f"/var/run/netns/cni-{self.id[:8]}-{self.id[8:12]}-{self.id[12:16]}"
        return self.stated(f'failed to execute portforward in network namespace "{namespace}": {why}')


def _words(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)
