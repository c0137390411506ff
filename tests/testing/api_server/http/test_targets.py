"""Paths and methods: what they ask for, and what they cannot."""

from __future__ import annotations

import pytest

from userproxy.manifest.kinds import ENDPOINT_SLICE, NAMESPACE, NODE, POD, SERVICE
from userproxy.testing.api_server.http.targets import Target, parse_target


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/api/v1/services", Target(SERVICE), id="all namespaces"),
        pytest.param("/api/v1/services/", Target(SERVICE), id="slash at the end"),
        pytest.param("/api/v1/namespaces/shop/services", Target(SERVICE, "shop"), id="one namespace"),
        pytest.param("/api/v1/namespaces/shop/services/web", Target(SERVICE, "shop", "web"), id="one object"),
        pytest.param(
            "/api/v1/namespaces/shop/services/web/status",
            Target(SERVICE, "shop", "web", "status"),
            id="its status",
        ),
        pytest.param(
            "/apis/discovery.k8s.io/v1/namespaces/a/endpointslices/b",
            Target(ENDPOINT_SLICE, "a", "b"),
            id="a group",
        ),
        pytest.param("/api/v1/nodes/n", Target(NODE, "", "n"), id="without namespace"),
        pytest.param(
            "/api/v1/nodes/n/status", Target(NODE, "", "n", "status"), id="status without namespace"
        ),
        pytest.param("/api/v1/namespaces", Target(NAMESPACE), id="namespaces"),
        pytest.param("/api/v1/namespaces/shop", Target(NAMESPACE, "", "shop"), id="a namespace"),
        pytest.param(
            "/api/v1/namespaces/shop/status", Target(NAMESPACE, "", "shop", "status"), id="its own status"
        ),
        pytest.param("/api/v1/namespaces/shop/nodes", None, id="a namespaced path of what has none"),
        pytest.param("/api/v1/services/web", None, id="a name without its namespace"),
        pytest.param("/api/v1/secrets", None, id="a kind that is not served"),
        pytest.param(
            "/api/v1/namespaces/a/pods/p/portforward", Target(POD, "a", "p", "portforward"), id="a forward"
        ),
        pytest.param("/api/v1/namespaces/a/services/s/portforward", None, id="a forward to no Pod"),
        pytest.param("/api/v2/services", None, id="a version that is not served"),
        pytest.param("/apis/discovery.k8s.io/v1beta1/endpointslices", None, id="an old version"),
        pytest.param("/apis//v1/services", None, id="no group"),
        pytest.param("/api/v1/namespaces/a/services/b/scale", None, id="another subresource"),
        pytest.param(
            "/apis/discovery.k8s.io/v1/namespaces/a/endpointslices/b/status", None, id="a kind without status"
        ),
        pytest.param("/api/v1/namespaces/a/services/b/status/c", None, id="too deep"),
        pytest.param("/api/v1", None, id="a document"),
        pytest.param("/", None, id="the root"),
        pytest.param("/healthz", None, id="health"),
    ],
)
def test_paths(path: str, expected: Target | None) -> None:
    assert parse_target(path) == expected


@pytest.mark.parametrize(
    ("target", "method", "watch", "verb"),
    [
        pytest.param(Target(SERVICE), "GET", False, "list", id="list"),
        pytest.param(Target(SERVICE), "GET", True, "watch", id="watch"),
        pytest.param(Target(SERVICE, "a", "b"), "GET", False, "get", id="get"),
        pytest.param(
            Target(SERVICE, "a", "b"), "GET", True, "get", id="one object is not watched by its path"
        ),
        pytest.param(Target(SERVICE, "a"), "POST", False, "create", id="create"),
        pytest.param(Target(SERVICE), "POST", False, "", id="create needs a namespace"),
        pytest.param(Target(NODE), "POST", False, "create", id="create without namespace"),
        pytest.param(Target(SERVICE, "a"), "DELETE", False, "deletecollection", id="delete all"),
        pytest.param(Target(SERVICE), "DELETE", False, "", id="delete all needs a namespace"),
        pytest.param(Target(SERVICE, "a", "b"), "PUT", False, "update", id="update"),
        pytest.param(Target(SERVICE, "a", "b", "status"), "PATCH", False, "patch", id="patch"),
        pytest.param(Target(SERVICE, "a", "b"), "DELETE", False, "delete", id="delete"),
        pytest.param(Target(SERVICE, "a", "b", "status"), "DELETE", False, "", id="no status is deleted"),
        pytest.param(Target(SERVICE, "a", "b"), "POST", False, "", id="no post on an object"),
        pytest.param(Target(SERVICE, "a"), "PUT", False, "", id="no put on a collection"),
    ],
)
def test_verbs(target: Target, method: str, watch: bool, verb: str) -> None:
    assert target.verb(method, watch=watch) == verb
