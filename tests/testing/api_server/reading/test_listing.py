"""Pages: of one version each, exact and not older than, and tokens that grew old."""

from __future__ import annotations

import base64

import pytest

from userproxy.manifest.kinds import SERVICE
from userproxy.testing.api_server.reading.listing import Page, read_page
from userproxy.testing.api_server.reading.options import ListOptions
from userproxy.testing.api_server.statuses import StatusError
from userproxy.testing.api_server.storage.store import Store, metadata_of
from userproxy.testing.objects import service


def store_of(*names: str) -> Store:
    store = Store()
    for name in names:
        store.put(SERVICE, service(name, 80))
    return store


def page(store: Store, **options: str) -> Page:
    return read_page(store, SERVICE, "", ListOptions.parse(options, SERVICE))


def names(found: Page) -> list[object]:
    return [metadata_of(raw)["name"] for raw in found.objects]


def test_without_limit_there_is_one_page() -> None:
    found = page(store_of("b", "a"))
    assert names(found) == ["a", "b"]
    assert found.metadata() == {"resourceVersion": "3"}


def test_pages_are_of_the_version_of_the_first_whatever_comes_meanwhile() -> None:
    store = store_of("a", "b", "c", "d", "e")
    first = page(store, limit="2")
    assert (names(first), first.version, first.remaining) == (["a", "b"], 6, 3)
    store.put(SERVICE, service("bb", 80))
    store.remove(SERVICE, "default", "d")
    second = page(store, limit="2", **{"continue": first.continue_token})
    assert (names(second), second.version, second.remaining) == (["c", "d"], 6, 1)
    last = page(store, limit="2", **{"continue": second.continue_token})
    assert (names(last), last.continue_token, last.remaining) == (["e"], "", None)
    assert names(page(store)) == ["a", "b", "bb", "c", "e"]


def test_a_page_that_selects_does_not_say_how_many_are_left() -> None:
    store = store_of("a", "b", "c")
    store.put(SERVICE, service("d", 80, labels={"x": "y"}))
    store.put(SERVICE, service("e", 80, labels={"x": "y"}))
    first = page(store, limit="1", labelSelector="x=y")
    assert (names(first), first.remaining) == (["d"], None)
    assert "remainingItemCount" not in first.metadata()
    assert names(page(store, labelSelector="x=y", **{"continue": first.continue_token})) == ["e"]


def test_R3_an_old_token_is_410_and_its_answer_offers_to_go_on_at_the_newest_version() -> None:
    store = store_of("a", "b", "c")
    first = page(store, limit="1")
    store.put(SERVICE, service("d", 80))
    store.compact()
    with pytest.raises(StatusError) as refused:
        page(store, **{"continue": first.continue_token})
    assert refused.value.code == 410
    metadata = refused.value.body()["metadata"]
    assert isinstance(metadata, dict)
    rest = page(store, **{"continue": str(metadata["continue"])})
    assert (names(rest), rest.version) == (["b", "c", "d"], 5)


@pytest.mark.parametrize("token", ["x", "bm8", base64.b64encode(b'{"rv": 1}').decode(), "é", "W10"])
def test_a_token_that_is_none_is_refused(token: str) -> None:
    with pytest.raises(StatusError) as refused:
        page(store_of("a"), **{"continue": token})
    assert refused.value.code == 400


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"resourceVersion": "2", "resourceVersionMatch": "Exact"}, (["a"], 2), id="exact"),
        pytest.param({"resourceVersion": "2", "limit": "9"}, (["a"], 2), id="limit means exact"),
        pytest.param({"resourceVersion": "2"}, (["a", "b"], 3), id="not older than by default"),
        pytest.param(
            {"resourceVersion": "2", "limit": "9", "resourceVersionMatch": "NotOlderThan"},
            (["a", "b"], 3),
            id="said",
        ),
        pytest.param({"resourceVersion": "0", "limit": "9"}, (["a", "b"], 3), id="any"),
        pytest.param({"resourceVersion": "3"}, (["a", "b"], 3), id="the newest"),
    ],
)
def test_which_version_is_read(options: dict[str, str], expected: tuple[list[str], int]) -> None:
    found = page(store_of("a", "b"), **options)
    assert (names(found), found.version) == expected


def test_R3_a_version_of_the_future_is_504_with_its_cause() -> None:
    with pytest.raises(StatusError) as refused:
        page(store_of("a"), resourceVersion="99")
    body = refused.value.body()
    assert body["code"] == 504
    assert body["details"] == {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }


def test_an_exact_version_that_is_forgotten_is_410() -> None:
    store = store_of("a", "b")
    store.compact()
    with pytest.raises(StatusError) as refused:
        page(store, resourceVersion="2", resourceVersionMatch="Exact")
    assert refused.value.code == 410
