"""JSON Patch: the cases of RFC 6902, appendix A, what it refuses, and that it undoes itself."""

from __future__ import annotations

import contextlib
import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userproxy.errors import UserproxyError
from userproxy.manifest.patches import PatchError, PatchMismatch, json_patch


def op(name: str, path: str, value: object = ..., **more: object) -> dict[str, object]:
    return {"op": name, "path": path, **({} if value is ... else {"value": value}), **more}


@pytest.mark.parametrize(
    ("document", "patch", "expected"),
    [
        pytest.param(
            {"foo": "bar"}, [op("add", "/baz", "qux")], {"baz": "qux", "foo": "bar"}, id="A.1 add a member"
        ),
        pytest.param(
            {"foo": ["bar", "baz"]},
            [op("add", "/foo/1", "qux")],
            {"foo": ["bar", "qux", "baz"]},
            id="A.2 add an element",
        ),
        pytest.param(
            {"baz": "qux", "foo": "bar"}, [op("remove", "/baz")], {"foo": "bar"}, id="A.3 remove a member"
        ),
        pytest.param(
            {"foo": ["bar", "qux", "baz"]},
            [op("remove", "/foo/1")],
            {"foo": ["bar", "baz"]},
            id="A.4 remove an element",
        ),
        pytest.param(
            {"baz": "qux", "foo": "bar"},
            [op("replace", "/baz", "boo")],
            {"baz": "boo", "foo": "bar"},
            id="A.5 replace",
        ),
        pytest.param(
            {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
            [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
            {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
            id="A.6 move a value",
        ),
        pytest.param(
            {"foo": ["all", "grass", "cows", "eat"]},
            [{"op": "move", "from": "/foo/1", "path": "/foo/3"}],
            {"foo": ["all", "cows", "eat", "grass"]},
            id="A.7 move an element",
        ),
        pytest.param(
            {"baz": "qux", "foo": ["a", 2, "c"]},
            [op("test", "/baz", "qux"), op("test", "/foo/1", 2)],
            {"baz": "qux", "foo": ["a", 2, "c"]},
            id="A.8 test",
        ),
        pytest.param(
            {"foo": "bar"},
            [op("add", "/child", {"grandchild": {}})],
            {"foo": "bar", "child": {"grandchild": {}}},
            id="A.10 add a nested object",
        ),
        pytest.param(
            {"foo": "bar"},
            [op("add", "/baz", "qux", xyz=123)],
            {"foo": "bar", "baz": "qux"},
            id="A.11 ignore unknown members",
        ),
        pytest.param(
            {"/": 9, "~1": 10},
            [op("test", "/~01", 10)],
            {"/": 9, "~1": 10},
            id="A.14 escapes",
        ),
        pytest.param(
            {"foo": ["bar"]},
            [op("add", "/foo/-", ["abc", "def"])],
            {"foo": ["bar", ["abc", "def"]]},
            id="A.16 append",
        ),
        pytest.param({"a/b": 1}, [op("replace", "/a~1b", 2)], {"a/b": 2}, id="slash in a key"),
        pytest.param({"": {"": 1}}, [op("replace", "//", 2)], {"": {"": 2}}, id="empty keys"),
        pytest.param({"a": 1}, [op("add", "/a", None)], {"a": None}, id="add over what is there, null too"),
        pytest.param({"a": 1}, [op("replace", "", {"b": 2})], {"b": 2}, id="replace the whole"),
        pytest.param({"a": 1}, [op("add", "", {"b": 2})], {"b": 2}, id="add the whole"),
        pytest.param({"a": [1, 2, 3]}, [op("replace", "/a/1", 9)], {"a": [1, 9, 3]}, id="replace an element"),
        pytest.param(
            {"a": {"b": 1}},
            [{"op": "copy", "from": "/a", "path": "/c"}, op("replace", "/c/b", 2)],
            {"a": {"b": 1}, "c": {"b": 2}},
            id="a copy is a value of its own",
        ),
        pytest.param({"a": 1}, [{"op": "move", "from": "/a", "path": "/a"}], {"a": 1}, id="move onto itself"),
        pytest.param({"a": 1}, [op("test", "/a", 1.0)], {"a": 1}, id="numbers are compared by value"),
        pytest.param(
            {"a": {"x": 1, "y": [2]}},
            [op("test", "/a", {"y": [2], "x": 1})],
            {"a": {"x": 1, "y": [2]}},
            id="members have no order",
        ),
        pytest.param({"a": 1}, [], {"a": 1}, id="no operations"),
        pytest.param({"a": ["0"]}, [op("replace", "/a/0", 9)], {"a": [9]}, id="an index is no value"),
        pytest.param({"1": "x"}, [op("remove", "/1")], {}, id="a number is a key of an object"),
    ],
)
def test_patch_is_applied(document: object, patch: list[object], expected: object) -> None:
    before = copy.deepcopy((document, patch))
    assert json_patch(document, patch) == expected
    assert (document, patch) == before


@pytest.mark.parametrize(
    ("document", "operation", "said"),
    [
        pytest.param({"baz": "qux"}, op("test", "/baz", "bar"), "another one", id="A.9 test fails"),
        pytest.param({"foo": 1}, op("add", "/baz/bat", 2), "'baz' is missing", id="A.12 no parent"),
        pytest.param(
            {"/": 9, "~1": 10}, op("test", "/~01", "10"), "another one", id="A.15 text is no number"
        ),
        pytest.param({"a": True}, op("test", "/a", 1), "another one", id="true is not 1"),
        pytest.param(
            {"a": [1]}, op("test", "/a", [True]), "another one", id="true is not 1 inside of a list"
        ),
        pytest.param({"a": [1, 2]}, op("test", "/a", [1]), "another one", id="a list is not its beginning"),
        pytest.param({"a": {}}, op("test", "/a", []), "another one", id="an object is no list"),
        pytest.param({"a": 1}, op("test", "/b", None), "'b' is missing", id="absent is not null"),
        pytest.param({"a": 1}, op("remove", "/b"), "'b' is missing", id="remove what is not there"),
        pytest.param({"a": 1}, op("replace", "/b", 1), "'b' is missing", id="replace what is not there"),
        pytest.param({"a": [1]}, op("remove", "/a/1"), "'1' is missing", id="remove beyond the end"),
        pytest.param({"a": [1]}, op("add", "/a/2", 1), "no index from 0 to 1", id="add beyond the end"),
        pytest.param({"a": [1]}, op("add", "/a/01", 1), "no index", id="leading zero"),
        pytest.param({"a": [1]}, op("add", "/a/-1", 1), "no index", id="negative index"),
        pytest.param({"a": [1]}, op("add", "/a/x", 1), "no index", id="a name is no index"),
        pytest.param({"a": [1]}, op("replace", "/a/-", 1), "'-' is missing", id="nothing behind the end"),
        pytest.param(
            {"a": [1]}, op("remove", "/a/" + "9" * 5000), "is missing", id="an index of 5000 digits"
        ),
        pytest.param({"a": 1}, op("add", "/a/b", 1), "neither an object nor a list", id="parent is a number"),
        pytest.param({"a": 1}, op("remove", ""), "whole document", id="remove the whole"),
        pytest.param(
            {"a": 1}, {"op": "copy", "from": "/b", "path": "/c"}, "nothing at /b", id="copy what is not there"
        ),
        pytest.param(
            {"a": 1}, {"op": "move", "from": "/b", "path": "/c"}, "nothing at /b", id="move what is not there"
        ),
    ],
)
def test_patch_does_not_fit(document: object, operation: object, said: str) -> None:
    with pytest.raises(PatchMismatch) as caught:
        json_patch(document, [op("add", "/first", 1), operation])
    assert "operation 1" in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        pytest.param({"op": "add"}, "list of operations", id="no list"),
        pytest.param([3], "operation 0: must be an object", id="no object"),
        pytest.param([{"path": "/a"}], "op must be one of", id="no op"),
        pytest.param([{"op": "spam", "path": "/a"}], "op must be one of", id="A.13 unknown op"),
        pytest.param([{"op": ["add"], "path": "/a"}], "op must be one of", id="op is a list"),
        pytest.param([{"op": "remove"}], "path must be a JSON pointer", id="no path"),
        pytest.param([{"op": "remove", "path": "a"}], "path must be a JSON pointer", id="no slash"),
        pytest.param([{"op": "remove", "path": "/a~2"}], "path must be a JSON pointer", id="bad escape"),
        pytest.param([{"op": "remove", "path": "/a~"}], "path must be a JSON pointer", id="tilde at the end"),
        pytest.param([{"op": "add", "path": "/a"}], "value is missing", id="add without a value"),
        pytest.param([{"op": "test", "path": "/a"}], "value is missing", id="test without a value"),
        pytest.param([{"op": "copy", "path": "/a"}], "from must be a JSON pointer", id="copy without from"),
        pytest.param(
            [{"op": "move", "from": "/a", "path": "/a/b"}],
            "cannot be moved into itself",
            id="move into itself",
        ),
        pytest.param([op("add", "/a", 1)] * 10_001, "10000 operations", id="too many"),
    ],
)
def test_patch_is_malformed(patch: object, said: str) -> None:
    with pytest.raises(PatchError) as caught:
        json_patch({"a": 1}, patch)
    assert said in str(caught.value)
    assert not isinstance(caught.value, PatchMismatch)
    assert isinstance(caught.value, UserproxyError)


def test_copies_that_double_the_document_are_bounded() -> None:
    patch = [{"op": "copy", "from": "", "path": f"/{index}"} for index in range(100)]
    with pytest.raises(PatchMismatch, match="copies more than"):
        json_patch({"a": 1}, patch)


def test_a_document_that_is_nested_too_deeply_is_refused() -> None:
    left: object = 1
    right: object = 1
    for _ in range(5000):
        left, right = [left], [right]
    with pytest.raises(PatchError, match="too deeply"):
        json_patch({"a": left}, [op("test", "/a", right)])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text("ab/~", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.dictionaries(st.text("ab/~", max_size=2), JSON), st.text("ab/~", max_size=2), JSON)
def test_what_is_added_can_be_tested_and_removed(
    document: dict[str, object], key: str, value: object
) -> None:
    path = "/" + key.replace("~", "~0").replace("/", "~1")
    before = json.dumps(document)
    added = json_patch(document, [op("add", path, value), op("test", path, value)])
    assert added == {**document, key: value}
    removed = json_patch(added, [op("remove", path)])
    assert removed == {name: found for name, found in document.items() if name != key}
    assert json.dumps(document) == before


@settings(deadline=None)
@given(
    JSON,
    st.lists(JSON | st.fixed_dictionaries({"op": st.sampled_from(["add", "test"]), "path": JSON})) | JSON,
)
def test_any_patch_is_applied_or_refused(document: object, patch: object) -> None:
    before = json.dumps((document, patch))
    with contextlib.suppress(PatchError):
        json_patch(document, patch)
    assert json.dumps((document, patch)) == before
