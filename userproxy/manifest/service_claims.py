"""What the allocation for one Service takes out of the pools, all or nothing."""

from __future__ import annotations

from userproxy.manifest.allocation import ClusterIPAllocator, Exhausted, NodePortAllocator
from userproxy.manifest.field_errors import FieldError, Reason
from userproxy.model.addresses import parse_ip
from userproxy.model.names import Family, NamespacedName

__all__ = ["Claims"]


class Claims:
    """What has been taken so far, and why more could not be; in the end it is kept or undone as a whole."""

    def __init__(
        self, cluster_ips: ClusterIPAllocator, node_ports: NodePortAllocator, owner: NamespacedName
    ) -> None:
        self.errors: list[FieldError] = []
        self._cluster_ips = cluster_ips
        self._node_ports = node_ports
        self._owner = owner
        self._old_addresses = set(cluster_ips.held(owner))
        self._old_ports = set(node_ports.held(owner))
        self._addresses: set[str] = set()
        self._ports: set[int] = set()

    def claim_address(self, text: str) -> None:
        """Hold the address that the Service states."""
        field = "spec.clusterIPs"
        try:
            family, canonical = parse_ip(text)
        except ValueError:
            self.errors.append(FieldError(field, text, "must be an IP address"))
            return
        if not self._cluster_ips.holds(canonical):
            message = f"is no usable address of the cluster's range {self._cluster_ips.range_of(family)}"
            self.errors.append(FieldError(field, text, message))
            return
        holder = self._cluster_ips.claim(self._owner, canonical)
        if holder is not None:
            self.errors.append(FieldError(field, text, f"is already allocated, to Service {holder}"))
            return
        self._addresses.add(canonical)

    def new_address(self, family: Family) -> str:
        """An address that the Service does not state; "" when there is none."""
        address = self._cluster_ips.allocate(self._owner, family)
        if isinstance(address, Exhausted):
            self.errors.append(FieldError("spec.clusterIPs", None, str(address), Reason.EXHAUSTED))
            return ""
        self._addresses.add(address)
        return address

    def claim_port(self, field: str, slot: str, port: int, *, alone: bool = False) -> None:
        """Hold the node port that the Service states; ``alone``: it may not state it twice."""
        if alone and port in self._ports:
            self.errors.append(FieldError(field, port, "", Reason.DUPLICATE))
            return
        if not self._node_ports.holds(port):
            self.errors.append(FieldError(field, port, f"is not in the range {self._node_ports}"))
            return
        holder = self._node_ports.claim(self._owner, slot, port)
        if holder is not None:
            self.errors.append(FieldError(field, port, f"is already allocated, to Service {holder}"))
            return
        self._ports.add(port)

    def new_port(self, field: str, slot: str) -> int:
        """A node port that the Service does not state; 0 when there is none."""
        port = self._node_ports.allocate(self._owner, slot, avoid=self._ports)
        if isinstance(port, Exhausted):
            self.errors.append(FieldError(field, None, str(port), Reason.EXHAUSTED))
            return 0
        self._ports.add(port)
        return port

    def keep(self) -> None:
        """Free what the Service held and no longer uses."""
        self._release(self._old_addresses - self._addresses, self._old_ports - self._ports)

    def undo(self) -> None:
        """Free what was taken just now."""
        self._release(self._addresses - self._old_addresses, self._ports - self._old_ports)

    def _release(self, addresses: set[str], ports: set[int]) -> None:
        for address in addresses:
            self._cluster_ips.release(self._owner, address)
        for port in ports:
            self._node_ports.release(self._owner, port)
