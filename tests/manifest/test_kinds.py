"""The kinds that are read, and how they are looked up."""

from __future__ import annotations

import pytest

from userproxy.manifest.kinds import ENDPOINT_SLICE, KINDS, NAMESPACE, NODE, SERVICE, kind_of, known, resource


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_every_kind_is_found_by_object_and_by_resource(kind: object) -> None:
    assert kind in KINDS
    for each in KINDS:
        assert kind_of(each.api_version, each.kind) is each
        assert resource(each.group, each.version, each.plural) is each
        assert known(each.kind)


@pytest.mark.parametrize(
    ("api_version", "kind", "known_kind"),
    [
        pytest.param("v1", "Pod", False, id="a kind that is not read"),
        pytest.param("v2", "Service", True, id="another version of a known kind"),
        pytest.param("discovery.k8s.io/v1beta1", "EndpointSlice", True, id="an old version of a known kind"),
        pytest.param(None, "Service", True, id="no version"),
        pytest.param("v1", None, False, id="no kind"),
        pytest.param(["v1"], {"a": 1}, False, id="no text"),
    ],
)
def test_D3_other_kinds_and_versions_are_told_apart(
    api_version: object, kind: object, known_kind: bool
) -> None:
    assert kind_of(api_version, kind) is None
    assert known(kind) is known_kind


def test_api_versions_lists_and_scope() -> None:
    assert SERVICE.api_version == "v1"
    assert ENDPOINT_SLICE.api_version == "discovery.k8s.io/v1"
    assert ENDPOINT_SLICE.list_kind == "EndpointSliceList"
    assert [kind for kind in KINDS if not kind.namespaced] == [NODE, NAMESPACE]
    assert resource("", "v1", "pods") is None
