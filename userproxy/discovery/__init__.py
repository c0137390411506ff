"""What is served, found by name.

In: the service ports of a running proxy as they change, and what ExternalName Services stand for. Out: plain
values that hosts files, variables and DNS answers are made of. Nothing here knows `Proxy`.
"""

from userproxy.discovery.served import Alias, Served, ServedPort, ServedTable

__all__ = ["Alias", "Served", "ServedPort", "ServedTable"]
