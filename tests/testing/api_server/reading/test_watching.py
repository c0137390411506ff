"""Watches as cursors: where they start, what they tell, and how selectors turn changes into others."""

from __future__ import annotations

import pytest

from userproxy.manifest.kinds import NODE, SERVICE
from userproxy.testing.api_server.reading.options import ListOptions
from userproxy.testing.api_server.reading.watching import INITIAL_EVENTS_END, Watch, WatchEvent
from userproxy.testing.api_server.statuses import StatusError
from userproxy.testing.api_server.storage.store import Store, metadata_of
from userproxy.testing.objects import node, service


def watch(store: Store, namespace: str = "", **options: str) -> Watch:
    return Watch(store, SERVICE, namespace, ListOptions.parse({"watch": "1", **options}, SERVICE))


def told(events: object) -> list[tuple[str, object, object]]:
    assert events is not None
    return [summary(event) for event in events]  # type: ignore[attr-defined]  # any iterable of events


def summary(event: WatchEvent) -> tuple[str, object, object]:
    metadata = metadata_of(event.object)
    return event.type, metadata.get("name"), metadata.get("resourceVersion")


@pytest.fixture
def store() -> Store:
    filled = Store()
    filled.put(SERVICE, service("a", 80))
    filled.put(SERVICE, service("b", 80))
    return filled


@pytest.mark.parametrize(
    ("options", "initial", "later"),
    [
        pytest.param({}, ["a", "b"], ["c"], id="most recent"),
        pytest.param({"resourceVersion": "0"}, ["a", "b"], ["c"], id="any"),
        pytest.param({"resourceVersion": "3"}, [], ["c"], id="exact, newest"),
        pytest.param({"resourceVersion": "2"}, [], ["b", "c"], id="exact, older"),
        pytest.param({"resourceVersion": "4"}, [], [], id="exact, of the future"),
        pytest.param(
            {"resourceVersion": "2", "sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"},
            ["a", "b"],
            ["c"],
            id="initial events",
        ),
        pytest.param(
            {"resourceVersion": "0", "sendInitialEvents": "false", "resourceVersionMatch": "NotOlderThan"},
            [],
            ["c"],
            id="no initial events",
        ),
    ],
)
def test_R4_where_a_watch_starts(
    store: Store, options: dict[str, str], initial: list[str], later: list[str]
) -> None:
    cursor = watch(store, **options)
    assert [event[1] for event in told(cursor.initial())] == initial
    store.put(SERVICE, service("c", 80))
    assert [event[1] for event in told(cursor.news())] == later


def test_the_end_of_initial_events_is_marked_for_those_who_take_bookmarks(store: Store) -> None:
    asked = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
    *_, last = watch(store, **asked, allowWatchBookmarks="true").initial()
    assert last.type == "BOOKMARK"
    assert metadata_of(last.object) == {
        "resourceVersion": "3",
        "creationTimestamp": None,
        "annotations": {INITIAL_EVENTS_END: "true"},
    }
    assert [event.type for event in watch(store, **asked).initial()] == ["ADDED", "ADDED"]


def test_initial_events_of_the_future_are_504(store: Store) -> None:
    asked = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "resourceVersion": "99"}
    with pytest.raises(StatusError) as refused:
        watch(store, **asked)
    assert refused.value.code == 504


def test_every_change_is_told_once_and_a_removal_has_its_own_version(store: Store) -> None:
    cursor = watch(store, resourceVersion="3")
    store.put(SERVICE, service("a", 81))
    store.put(NODE, node("n"))
    store.remove(SERVICE, "default", "a")
    assert told(cursor.news()) == [("MODIFIED", "a", "4"), ("DELETED", "a", "6")]
    assert told(cursor.news()) == []
    assert cursor.version == 6


def test_a_bookmark_says_how_far_the_watch_has_come_without_a_name(store: Store) -> None:
    cursor = watch(store, resourceVersion="3")
    store.put(NODE, node("n"))
    list(cursor.news())
    bookmark = cursor.bookmark()
    assert summary(bookmark) == ("BOOKMARK", None, "4")
    assert (bookmark.object["kind"], bookmark.object["apiVersion"]) == ("Service", "v1")


def test_a_namespace_limits_what_is_told(store: Store) -> None:
    cursor = watch(store, "shop")
    assert told(cursor.initial()) == []
    store.put(SERVICE, service("c", 80))
    store.put(SERVICE, service("d", 80, namespace="shop"))
    assert told(cursor.news()) == [("ADDED", "d", "5")]


def test_an_object_enters_and_leaves_a_selector(store: Store) -> None:
    cursor = watch(store, labelSelector="x", resourceVersion="3")
    store.put(SERVICE, service("a", 80, labels={"x": "1"}))
    store.put(SERVICE, service("a", 80, labels={"x": "2"}))
    store.put(SERVICE, service("a", 80))
    store.put(SERVICE, service("a", 81))
    events = list(cursor.news())
    assert [summary(event) for event in events] == [
        ("ADDED", "a", "4"),
        ("MODIFIED", "a", "5"),
        ("DELETED", "a", "6"),
    ]
    assert metadata_of(events[-1].object)["labels"] == {"x": "2"}, "the last state that the watcher knew"


def test_R5_a_watch_that_fell_behind_meets_410(store: Store) -> None:
    cursor = watch(store, resourceVersion="2")
    store.compact()
    with pytest.raises(StatusError) as refused:
        list(cursor.news())
    assert refused.value.body()["reason"] == "Expired"


def test_a_watch_that_is_up_to_date_outlives_a_compaction(store: Store) -> None:
    cursor = watch(store, resourceVersion="3")
    store.compact()
    store.put(SERVICE, service("c", 80))
    assert told(cursor.news()) == [("ADDED", "c", "4")]
