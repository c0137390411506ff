"""`Proxy`: a source, the routing and the data plane joined. The one class that embedders meet.

In: a source of events and settings. Out: traffic, and frozen values that say what is served. It owns the data
plane, and nothing else of the process.
"""

from userproxy.proxy.node import address_plan, node_name_of, reach_policy
from userproxy.proxy.proxy import Proxy
from userproxy.proxy.snapshot import Address, Snapshot

__all__ = ["Address", "Proxy", "Snapshot", "address_plan", "node_name_of", "reach_policy"]
