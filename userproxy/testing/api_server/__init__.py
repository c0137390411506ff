"""A Kubernetes API server in one process: Services, EndpointSlices, Endpoints, Namespaces and Nodes.

In: requests of kubectl, of `KubeSource` and of any other client, and calls of a test (`Objects`). Out: lists,
watches, tables, discovery, and on request every kind of trouble (`Trouble`). Four rooms: ``schema`` says what
fields there are, ``storage`` holds objects and their history, ``reading`` makes lists and watches of them,
``presentation`` shows them; all four are pure. ``http`` is the shell around them, and `ApiServer` owns
everything for as long as it runs.

Unlike a real API server it takes loopback addresses as endpoints, does at once what controllers do (slices
mirrored from Endpoints, namespaces cleared), knows no server-side apply and asks for no credentials.
"""

from userproxy.testing.api_server.server import ApiServer
from userproxy.testing.api_server.statuses import StatusError

__all__ = ["ApiServer", "StatusError"]
