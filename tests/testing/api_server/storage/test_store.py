"""The store: versions, history, the past, compaction, subscribers."""

from __future__ import annotations

import pytest

from userproxy.manifest.kinds import NODE, SERVICE
from userproxy.testing.api_server.statuses import StatusError
from userproxy.testing.api_server.storage.history import Change, RawObject
from userproxy.testing.api_server.storage.store import Store, metadata_of, with_metadata
from userproxy.testing.objects import node, service


def names(store: Store, namespace: str = "", at: int | None = None) -> list[str]:
    return [str(metadata_of(raw)["name"]) for raw in store.objects(SERVICE, namespace, at=at)]


def version_of(raw: RawObject) -> int:
    return int(str(metadata_of(raw)["resourceVersion"]))


def test_versions_grow_by_one_with_every_write_of_any_kind() -> None:
    store = Store(first_version=41)
    assert version_of(store.put(SERVICE, service("a", 80))) == 42
    assert version_of(store.put(NODE, node("n"))) == 43
    assert version_of(store.put(SERVICE, service("a", 81))) == 44
    assert version_of(store.remove(SERVICE, "default", "a")) == 45
    assert store.version == 45


def test_objects_are_sorted_and_limited_to_a_namespace() -> None:
    store = Store()
    for name, namespace in (("b", "z"), ("a", "z"), ("c", "a")):
        store.put(SERVICE, service(name, 80, namespace=namespace))
    assert names(store) == ["c", "a", "b"]
    assert names(store, "z") == ["a", "b"]
    assert names(store, "nowhere") == []


def test_the_past_is_remembered() -> None:
    store = Store()
    first = store.put(SERVICE, service("a", 80))
    store.put(SERVICE, service("b", 80))
    store.put(NODE, node("n"))
    store.put(SERVICE, service("a", 81))
    store.remove(SERVICE, "default", "b")
    assert names(store, at=1) == []
    assert names(store, at=2) == ["a"]
    assert names(store, at=3) == ["a", "b"]
    assert next(iter(store.objects(SERVICE, at=4))) is first
    assert names(store) == ["a"]


def test_changes_say_what_was_and_what_is() -> None:
    store = Store()
    one = store.put(SERVICE, service("a", 80))
    two = store.put(SERVICE, service("a", 81))
    store.remove(SERVICE, "default", "a")
    key = ("default", "a")
    assert list(store.changes(1)) == [
        Change(2, SERVICE, key, None, one),
        Change(3, SERVICE, key, one, two),
        Change(4, SERVICE, key, two, None),
    ]
    assert [change.version for change in store.changes(3)] == [4]
    assert list(store.changes(4)) == []
    assert list(store.changes(99)) == [], "a version of the future has nothing after it yet"


def test_R5_what_is_forgotten_is_answered_by_410() -> None:
    store = Store()
    store.put(SERVICE, service("a", 80))
    store.put(SERVICE, service("b", 80))
    store.compact()
    assert list(store.changes(3)) == []
    for read in (lambda: store.changes(2), lambda: store.objects(SERVICE, at=2)):
        with pytest.raises(StatusError) as refused:
            list(read())
        assert (refused.value.code, refused.value.reason) == (410, "Expired")


def test_history_is_bounded() -> None:
    store = Store(history_limit=3)
    for number in range(5):
        store.put(SERVICE, service(f"s{number}", 80))
    assert store.compacted == 3
    assert [change.version for change in store.changes(3)] == [4, 5, 6]
    with pytest.raises(StatusError):
        store.changes(2)


def test_subscribers_are_told_in_order_until_they_end_it() -> None:
    store = Store()
    told: list[int] = []
    unsubscribe = store.subscribe(lambda change: told.append(change.version))
    store.put(SERVICE, service("a", 80))
    store.remove(SERVICE, "default", "a")
    unsubscribe()
    unsubscribe()
    store.put(SERVICE, service("b", 80))
    assert told == [2, 3]


def test_nobody_can_change_what_is_stored_by_what_was_given() -> None:
    store = Store()
    given = service("a", 80)
    stored = store.put(SERVICE, given)
    assert "resourceVersion" not in metadata_of(given)
    assert store.get(SERVICE, "default", "a") is stored


def test_removing_what_is_not_there_is_a_key_error() -> None:
    store = Store()
    with pytest.raises(KeyError):
        store.remove(SERVICE, "default", "a")
    assert store.version == 1


def test_with_metadata_takes_fields_away_by_none() -> None:
    raw = with_metadata({"metadata": {"name": "a", "uid": "x"}, "spec": 1}, uid=None, namespace="b")
    assert raw == {"metadata": {"name": "a", "namespace": "b"}, "spec": 1}
    assert with_metadata({"metadata": "no object"}, name="a") == {"metadata": {"name": "a"}}
