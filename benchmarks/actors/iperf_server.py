"""``iperf3 --server`` as an endpoint of the kind iperf."""

from __future__ import annotations

from benchmarks.peers.base import connectable, free_address
from benchmarks.processes import Child
from benchmarks.programs import find

__all__ = ["IperfServer"]


class IperfServer(Child):
    """Serves one test at a time at `address`, once its block has begun."""

    def __init__(self) -> None:
        self.address = free_address()
        host, _, port = self.address.rpartition(":")
        super().__init__("iperf3 --server", (find("iperf3"), "--server", "--bind", host, "--port", port))

    async def ready(self) -> None:
        """Raises BenchmarkError when it does not start."""
        await connectable(self, self.address)
