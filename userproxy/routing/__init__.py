"""Which routes follow from the objects. Pure: no input or output, clock, randomness or loop.

In: `model.events` (folded by `State`), the node's name, a plan of local addresses, a policy of how
endpoints are reached. Out: frozen `Route`s as differences (`RouteChanges`), problems, and read access for
``explain``. `State` owns every index and has one owner itself; work is proportional to what changed.
"""

from userproxy.routing.loopback import AddressPlan, EphemeralAddresses, LoopbackAddresses
from userproxy.routing.reach import ReachPolicy
from userproxy.routing.state import State

__all__ = ["AddressPlan", "EphemeralAddresses", "LoopbackAddresses", "ReachPolicy", "State"]
