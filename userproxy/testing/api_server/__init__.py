"""A Kubernetes API server in one process: Services, EndpointSlices, Endpoints, Namespaces, Nodes and Pods.

In: requests of kubectl, of `KubeSource` and of any other client, and calls of a test (`Objects`). Out: lists,
watches, tables, discovery, connections to what stands for Pods, and on request every kind of trouble
(`Trouble`, `ForwardTrouble`). Four rooms: ``schema`` says what fields there are, ``storage`` holds objects
and their history, ``reading`` makes lists and watches of them, ``presentation`` shows them; all four are
pure. ``http`` is the shell around them, ``port_forward`` carries bytes to Pods, and `ApiServer` owns
everything for as long as it runs.

Unlike a real API server it takes loopback addresses as endpoints, does at once what controllers and kubelets
do (slices of Pods and Endpoints, namespaces cleared, Pods that run), knows no server-side apply and asks for
no credentials.
"""

from userproxy.testing.api_server.server import ApiServer
from userproxy.testing.api_server.statuses import StatusError

__all__ = ["ApiServer", "StatusError"]
