"""Options of lists and watches: what may be said together, and what is answered otherwise."""

from __future__ import annotations

import pytest

from userproxy.manifest.kinds import NODE, SERVICE
from userproxy.testing.api_server.reading.options import ListOptions
from userproxy.testing.api_server.statuses import StatusError
from userproxy.testing.objects import service


def test_a_whole_query_is_read() -> None:
    options = ListOptions.parse(
        {
            "labelSelector": "a=b",
            "fieldSelector": "metadata.name=web",
            "limit": "5",
            "resourceVersion": "7",
            "resourceVersionMatch": "Exact",
            "timeoutSeconds": "30",
        },
        SERVICE,
    )
    assert (options.limit, options.resource_version, options.resource_version_match) == (5, 7, "Exact")
    assert options.timeout_s == 30
    assert options.selects
    assert options.matches(service("web", 80, labels={"a": "b"}))
    assert not options.matches(service("web", 80))
    assert not options.matches(service("other", 80, labels={"a": "b"}))


@pytest.mark.parametrize(
    ("query", "watch"),
    [
        pytest.param({}, False, id="absent"),
        pytest.param({"watch": "0"}, False, id="0"),
        pytest.param({"watch": "false"}, False, id="false"),
        pytest.param({"watch": "1"}, True, id="1"),
        pytest.param({"watch": "true"}, True, id="true"),
        pytest.param({"watch": ""}, True, id="present is true"),
    ],
)
def test_booleans_are_read_as_the_API_reads_them(query: dict[str, str], watch: bool) -> None:
    assert ListOptions.parse(query, SERVICE).watch is watch


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        pytest.param(
            {"labelSelector": "a in b"}, 400, "unable to parse requirement", id="bad label selector"
        ),
        pytest.param(
            {"fieldSelector": "metadata.name"}, 400, "invalid field selector", id="bad field selector"
        ),
        pytest.param(
            {"fieldSelector": "spec.ports=1"}, 400, "field label not supported: spec.ports", id="other field"
        ),
        pytest.param({"limit": "many"}, 400, "limit", id="limit is no number"),
        pytest.param({"resourceVersion": "-1"}, 400, "resourceVersion", id="negative version"),
        pytest.param({"resourceVersion": "latest"}, 400, "resourceVersion", id="version is no number"),
        pytest.param(
            {"continue": "x", "resourceVersion": "5"}, 400, "when using continue", id="continue, version"
        ),
        pytest.param(
            {"continue": "x", "resourceVersionMatch": "Exact"},
            422,
            "not allowed with continue",
            id="continue, match",
        ),
        pytest.param({"continue": "x", "watch": "1"}, 422, "not allowed for watch", id="continue, watch"),
        pytest.param(
            {"resourceVersionMatch": "Exact"}, 422, "without resourceVersion", id="match, no version"
        ),
        pytest.param(
            {"resourceVersion": "0", "resourceVersionMatch": "Exact"},
            422,
            '"Exact" is not allowed',
            id="exactly any",
        ),
        pytest.param(
            {"resourceVersion": "5", "resourceVersionMatch": "Newer"},
            422,
            "Exact or NotOlderThan",
            id="other match",
        ),
        pytest.param(
            {"watch": "1", "resourceVersion": "5", "resourceVersionMatch": "NotOlderThan"},
            422,
            "unless sendInitialEvents",
            id="match, watch",
        ),
        pytest.param({"sendInitialEvents": "true"}, 422, "only allowed for watch", id="initial events, list"),
        pytest.param(
            {"watch": "1", "sendInitialEvents": "true"},
            422,
            "resourceVersionMatch NotOlderThan",
            id="no match",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(query: dict[str, str], code: int, words: str) -> None:
    with pytest.raises(StatusError) as refused:
        ListOptions.parse(query, SERVICE)
    assert refused.value.code == code
    assert words in refused.value.message


def test_fields_to_select_by_depend_on_the_kind() -> None:
    query = {"fieldSelector": "spec.unschedulable=true"}
    assert ListOptions.parse(query, NODE).selects
    with pytest.raises(StatusError):
        ListOptions.parse(query, SERVICE)
