"""The Accept header: the first form that is served wins, and JSON is what everybody gets."""

from __future__ import annotations

import pytest

from userproxy.testing.api_server.presentation.negotiation import Form, Wanted, negotiate

FORMS = (Form.TABLE, Form.METADATA, Form.METADATA_LIST)
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        pytest.param("", Wanted(), id="none"),
        pytest.param("*/*", Wanted(), id="anything"),
        pytest.param("application/json", Wanted(), id="JSON"),
        pytest.param("application/vnd.kubernetes.protobuf", Wanted(), id="protobuf alone"),
        pytest.param("text/html, application/xml", Wanted(), id="a browser"),
        pytest.param(f"{TABLE},application/json", Wanted(Form.TABLE, "v1"), id="Table"),
        pytest.param(f"application/json, {TABLE}", Wanted(), id="JSON first"),
        pytest.param(
            "application/json;as=Table;v=v1beta1;g=meta.k8s.io",
            Wanted(Form.TABLE, "v1beta1"),
            id="older Table",
        ),
        pytest.param(
            "application/json;as=Table;v=v9;g=meta.k8s.io", Wanted(), id="version that is not served"
        ),
        pytest.param("application/json;as=Table;v=v1;g=example.org", Wanted(), id="another group"),
        pytest.param("application/json;as=Chart;v=v1;g=meta.k8s.io", Wanted(), id="form that there is not"),
        pytest.param(
            "application/json; as=PartialObjectMetadataList; v=v1; g=meta.k8s.io",
            Wanted(Form.METADATA_LIST, "v1"),
            id="metadata, with blanks",
        ),
        pytest.param(
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
            Wanted(),
            id="not asked here",
        ),
        pytest.param(";;;,,application/json;as", Wanted(), id="nonsense"),
    ],
)
def test_forms(accept: str, expected: Wanted) -> None:
    assert negotiate(accept, *FORMS) == expected


def test_discovery_says_its_form_in_the_content_type() -> None:
    asked = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    assert negotiate(asked, Form.DISCOVERY).content_type == asked
    assert negotiate(TABLE, *FORMS).content_type == "application/json"
