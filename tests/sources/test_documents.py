"""Bytes become documents: what Kubernetes' tools read is read the same, and nothing explodes."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from userproxy.errors import DocumentError, InvalidObject
from userproxy.sources import yaml_text
from userproxy.sources.document import MAX_BYTES, MAX_DEPTH, MAX_DUPLICATE_KEYS, DuplicateKey
from userproxy.sources.documents import read_documents


def values(content: bytes | str) -> list[object]:
    return [document.value for document in read_documents(content)]


def refused(content: bytes | str) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        read_documents(content)
    return caught.value


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", [], id="empty"),
        pytest.param(b"# only a comment\n", [], id="comment"),
        pytest.param(b"a: 1", [{"a": 1}], id="yaml"),
        pytest.param(b"\xef\xbb\xbfa: 1", [{"a": 1}], id="byte order mark"),
        pytest.param("é: ü", [{"é": "ü"}], id="text"),
        pytest.param(b"---\na: 1\n---\nb: 2\n...\n", [{"a": 1}, {"b": 2}], id="two yaml documents"),
        pytest.param(b"---\n---\na: 1\n", [None, {"a": 1}], id="an empty document counts"),
        pytest.param(b"null", [None], id="null"),
        pytest.param(b"42", [42], id="number"),
        pytest.param(b'{"a": [1, 2.5, null, true, "x"]}', [{"a": [1, 2.5, None, True, "x"]}], id="json"),
        pytest.param(b' \n[{"a": 1}]\n', [[{"a": 1}]], id="json list"),
        pytest.param(b'{"a": 1}\n{"b": 2}[3]', [{"a": 1}, {"b": 2}, [3]], id="json values in a row"),
        pytest.param(b"{a: b}", [{"a": "b"}], id="yaml that begins like json"),
        pytest.param(b'{"a": 1}\n---\nb: 2\n', [{"a": 1}, {"b": 2}], id="json, then yaml"),
        pytest.param(b'{"a": "\\ud83d\\ude00"}', [{"a": "😀"}], id="surrogate pair"),
        pytest.param(b'a: "\\U0001F600"', [{"a": "😀"}], id="astral character in yaml"),
    ],
)
def test_what_is_read(content: bytes | str, expected: list[object]) -> None:
    assert values(content) == expected


@pytest.mark.parametrize(
    ("scalar", "expected"),
    [
        ("80", 80),
        ("-1", -1),
        ("+7", 7),
        ("0", 0),
        ("0755", 0o755),
        ("0o17", 0o17),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("0_", 0),
        ("0x_", "0x_"),
        ("1.5", 1.5),
        ("-.5", -0.5),
        ("1e3", 1000.0),
        ("08", 8.0),
        ("1e999", "1e999"),
        (".nan", ".nan"),
        (".inf", ".inf"),
        ("1" * 5000, "1" * 5000),
        ("true", True),
        ("Yes", True),
        ("on", True),
        ("FALSE", False),
        ("off", False),
        ("y", "y"),
        ("null", None),
        ("~", None),
        ("", None),
        ("2001-01-01", "2001-01-01"),
        ("2001-01-01T10:00:00Z", "2001-01-01T10:00:00Z"),
        ("12:30:45", "12:30:45"),
        ("10.0.0.1", "10.0.0.1"),
        ("::1", "::1"),
        ("'80'", "80"),
        ('"true"', "true"),
        ("!!str 80", "80"),
        ("! 80", "80"),
        ("!!int '80'", 80),
        ("!!float 1.5", 1.5),
        ("!!timestamp 2001-01-01", "2001-01-01"),
        ("!!null ~", None),
        ("!!map {a: 1}", {"a": 1}),
        ("!!seq [1]", [1]),
        ("|\n    two\n    lines\n", "two\nlines\n"),
    ],
)
def test_yaml_scalars_are_those_of_kubernetes(scalar: str, expected: object) -> None:
    (value,) = values(f"a: {scalar}")
    assert value == {"a": expected}
    assert type(value["a"]) is type(expected)


def test_yaml_keys_are_text_as_written() -> None:
    assert values("80: a\ntrue: b\n2001-01-01: c\n'': d\n") == [
        {"80": "a", "true": "b", "2001-01-01": "c", "": "d"}
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}, id="alias"),
        pytest.param("a: &x 1\nb: &x 2\nc: *x", {"a": 1, "b": 2, "c": 2}, id="the last anchor counts"),
        pytest.param("&x a: 1\nb: *x", {"a": 1, "b": "a"}, id="anchor on a key"),
        pytest.param(
            "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}",
            {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}},
            id="merge: what is stated wins",
        ),
        pytest.param(
            "d:\n  <<: [{b: 1}, {b: 2, c: 3}]\n  <<: {c: 4, e: 5}",
            {"d": {"b": 1, "c": 3, "e": 5}},
            id="merge: what is named first wins",
        ),
        pytest.param('a: {"<<": 1}', {"a": {"<<": 1}}, id="quoted << is a key"),
    ],
)
def test_yaml_aliases(text: str, expected: object) -> None:
    assert values(text) == [expected]


def test_anchors_end_with_their_document() -> None:
    assert refused("a: &x 1\n---\nb: *x").line == 3


@pytest.mark.parametrize(
    ("content", "line", "column", "message"),
    [
        pytest.param(b"a: 1\nb: [1\nc: 2", 3, 2, "did not find expected ',' or ']'", id="open list"),
        pytest.param(b"a: b: c", 1, 5, "mapping values are not allowed", id="two colons"),
        pytest.param(b"a:\n\tb: 1", 2, 1, "cannot start any token", id="tab"),
        pytest.param(b"a: 1\nb: \xc3\xa9 \xe9", 2, 6, "byte 0xe9 is not UTF-8", id="latin 1"),
        pytest.param("é: 1\nb: é\x07", 2, 5, "control characters are not allowed", id="control character"),
        pytest.param("a: \ud800", 1, 4, "not UTF-8", id="half a surrogate pair in a str"),
        pytest.param(b"a: *b", 1, 4, "alias *b has no anchor", id="alias without anchor"),
        pytest.param(b"a: &b [*b]", 1, 8, "inside its own anchor", id="alias inside its anchor"),
        pytest.param(b"? [a]\n: b", 1, 3, "cannot be a key", id="list as key"),
        pytest.param(b"a: {{ .Values.port }}", 1, 5, "cannot be a key", id="template"),
        pytest.param(b"a: &x b\n*x : 1", 2, 1, "cannot be a key", id="alias as key"),
        pytest.param(b"a: !Ref b", 1, 4, "tag !Ref is not known", id="unknown tag"),
        pytest.param(b"!!python/object:os.system {}", 1, 1, "is not known", id="python tag"),
        pytest.param(b"a: !!map [1]", 1, 4, "is not known", id="map tag on a list"),
        pytest.param(b"a: !!int x", 1, 4, "is not what its tag", id="int tag on text"),
        pytest.param(b"a:\n  <<: 5", 2, 3, "<< names must be a mapping", id="merge of a number"),
        pytest.param(b'{"a": 1,\n "b" 2}', 2, 6, "Expecting ':' delimiter (JSON)", id="json without a colon"),
        pytest.param(b'{"a": 1', 2, 1, "while parsing a flow mapping", id="half of a json file"),
        pytest.param(
            b'{"a": "\\ud800"}', 1, 10, "invalid Unicode character escape", id="half a pair in json"
        ),
    ],
)
def test_what_is_refused_and_where(content: bytes | str, line: int, column: int, message: str) -> None:
    error = refused(content)
    assert (error.line, error.column) == (line, column), error
    assert message in str(error)
    assert isinstance(error, InvalidObject)


def test_duplicate_keys_are_told_and_the_last_value_counts() -> None:
    (first, second) = read_documents("a: 1\nb: {c: 1, c: 2}\n---\na: 1\na: 2\n")
    assert first.value == {"a": 1, "b": {"c": 2}}
    assert first.duplicate_keys == (DuplicateKey("c", 2, 11),)
    assert (second.number, second.value) == (2, {"a": 2})
    assert second.duplicate_keys == (DuplicateKey("a", 5, 1),)


def test_duplicate_keys_of_json_are_told() -> None:
    (first, second) = read_documents('{"a": 1, "b": {"c": 1, "c": 2}} {"a": 1, "a": 2}')
    assert first.value == {"a": 1, "b": {"c": 2}}
    assert first.duplicate_keys == (DuplicateKey("c"),)
    assert second.duplicate_keys == (DuplicateKey("a"),)


@pytest.mark.parametrize("text", ["a: b\n" * 1000, "{" + '"a": 1,' * 1000 + '"a": 2}'])
def test_told_duplicate_keys_are_bounded(text: str) -> None:
    (document,) = read_documents(text)
    assert len(document.duplicate_keys) == MAX_DUPLICATE_KEYS


def test_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [lol]", *(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 13))]
    error = refused("\n".join(lines))
    assert "aliases repeat more than" in str(error)
    assert error.line == 7


def test_many_small_aliases_are_read() -> None:
    (value,) = values("a: &x {b: 1}\nc: [" + "*x, " * 1000 + "]")
    assert isinstance(value, dict)
    assert value["c"] == [{"b": 1}] * 1000


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 200_000, id="flow lists without end"),
        pytest.param("[" * 5000 + "]" * 5000, id="flow lists"),
        pytest.param("a: " + "{b: " * 5000, id="flow mappings"),
        pytest.param("\n".join(" " * depth + "a:" for depth in range(300)), id="block mappings"),
        pytest.param("- " * 100_000, id="block lists"),
        pytest.param('{"a":' * 200 + "1" + "}" * 200, id="json"),
        pytest.param('{"a":' * 100_000 + "1" + "}" * 100_000, id="deeper than the interpreter's stack"),
    ],
)
def test_deep_nesting_is_refused(text: str) -> None:
    said = str(refused(text))
    # The parser of PyYAML 6.0.4 has a limit of its own, which it may reach while it looks ahead.
    assert f"nested deeper than {MAX_DEPTH} levels" in said or "exceeded maximum nesting depth" in said


@pytest.mark.parametrize("opening", ['{"a":', "{a: "])
def test_the_deepest_nesting_that_is_read(opening: str) -> None:
    assert len(values(opening * MAX_DEPTH + "1" + "}" * MAX_DEPTH)) == 1
    assert "nested deeper" in str(refused(opening * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1)))


def test_more_than_16_mib_is_not_read() -> None:
    assert "larger than 16 MiB" in str(refused(b"#" * (MAX_BYTES + 1)))
    assert values(b"#" * MAX_BYTES) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.lists(json_values.filter(lambda value: isinstance(value, list | dict)), max_size=3), st.booleans())
def test_json_comes_back_as_it_was_written(written: list[object], ascii_only: bool) -> None:
    text = "\n".join(json.dumps(value, ensure_ascii=ascii_only) for value in written)
    assert values(text) == written


@settings(deadline=None)
@given(st.lists(json_values, max_size=3))
def test_yaml_comes_back_as_it_was_written(written: list[object]) -> None:
    # Quoted and tagged: what unquoted scalars mean is not the same in YAML 1.1 and in Kubernetes.
    text = yaml.safe_dump_all(written, default_style='"', explicit_start=True)
    assert values(text) == written


@settings(deadline=None)
@given(st.text() | st.binary())
def test_any_text_is_read_or_refused(content: str | bytes) -> None:
    with contextlib.suppress(DocumentError):
        read_documents(content)


def test_without_libyaml_the_same_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &x [1, yes, 0755, 2001-01-01]\nb: *x\n---\nb: 1\nb: 2\n"
    by_libyaml = read_documents(text)
    monkeypatch.setattr(yaml_text, "_Loader", yaml.SafeLoader)
    assert read_documents(text) == by_libyaml
    assert (refused("a: [\nb: 1").line, refused("a: \x01").column) == (2, 4)
    assert "nested deeper" in str(refused("[" * 5000))


def test_json_does_not_load_yaml() -> None:
    code = (
        "import sys; from userproxy.sources.documents import read_documents;"
        "read_documents('{\"a\": 1}'); sys.exit('yaml' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
