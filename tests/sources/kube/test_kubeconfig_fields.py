"""Fields of the right type, and complaints that never quote a value."""

from __future__ import annotations

import base64

import pytest

from userproxy.errors import CredentialsError
from userproxy.sources.kube.kubeconfig_fields import Fields, is_header_text

WHERE = "user 'dev' of /k"


def _fields(raw: object) -> Fields:
    return Fields(raw, WHERE)


@pytest.mark.parametrize("absent", [{}, {"f": None}], ids=["absent", "null"])
def test_absent_and_null_are_empty(absent: dict[str, object]) -> None:
    fields = _fields(absent)
    assert (fields.text("f"), fields.header_text("f"), fields.pem("f"), fields.json("f")) == ("", "", "", "")
    assert fields.flag("f") is False
    assert fields.texts("f") == ()
    assert fields.child("f") is None
    assert list(fields.children("f")) == []
    assert list(_fields(None).names()) == []


def test_values_come_back_typed() -> None:
    pem = "-----BEGIN X-----\n"
    fields = _fields(
        {
            "text": "a",
            "flag": True,
            "texts": ["a", "b"],
            "child": {"inner": "x"},
            "children": [{"inner": "y"}, None],
            "pem": base64.b64encode(pem.encode()).decode() + "\r\n",
            "json": {"a": [1]},
        }
    )
    child = fields.child("child")
    assert child is not None
    assert (fields.text("text"), fields.flag("flag"), fields.texts("texts")) == ("a", True, ("a", "b"))
    assert (child.text("inner"), child.where) == ("x", f"{WHERE}: child")
    assert [inner.text("inner") for inner in fields.children("children")] == ["y", ""]
    assert (fields.pem("pem"), fields.json("json")) == (pem, '{"a": [1]}')
    assert list(child.names()) == ["inner"]
    assert fields.at("elsewhere").where == "elsewhere"


@pytest.mark.parametrize(
    ("method", "value", "complaint"),
    [
        pytest.param("text", 31337, "f: must be a string", id="a number for a string"),
        pytest.param("text", True, "f: must be a string", id="a boolean for a string"),
        pytest.param("text", ["s3cr3t"], "f: must be a string", id="a list for a string"),
        pytest.param("header_text", "s3cr3t\nX: y", "f: holds a line break", id="a line break"),
        pytest.param("header_text", "s3cr3t\x7f", "f: holds a line break or another control", id="a control"),
        pytest.param("flag", "s3cr3t", "f: must be true or false", id="a string for a boolean"),
        pytest.param("texts", "s3cr3t", "f: must be a list", id="a string for a list"),
        pytest.param("texts", ["a", 31337], "f: must be a list of strings", id="a number in a list"),
        pytest.param("child", "s3cr3t", "f: must be a mapping", id="a string for a mapping"),
        pytest.param("pem", "s3cr3t!", "f: is not PEM text in base64", id="no base64"),
        pytest.param("pem", "s3cr3t", "f: is not PEM text in base64", id="base64 without its padding"),
        pytest.param("pem", base64.b64encode(b"\xff\xfe").decode(), "f: is not PEM text", id="no text"),
    ],
)
def test_a_wrong_value_is_named_by_its_field_alone(method: str, value: object, complaint: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        getattr(_fields({"f": value}), method)("f")
    assert str(caught.value).startswith(f"{WHERE}: {complaint}")
    assert "s3cr3t" not in str(caught.value)
    assert "31337" not in str(caught.value)
    assert caught.value.__context__ is None


def test_aliases_that_multiply_end_at_a_limit() -> None:
    bomb: list[object] = ["s3cr3t"]
    for _ in range(40):
        bomb = [bomb, bomb]
    loop: list[object] = []
    loop.append(loop)
    for value in (bomb, loop):
        with pytest.raises(CredentialsError, match="f: is no JSON of at most 65536 characters") as caught:
            _fields({"f": value}).json("f")
        assert caught.value.__context__ is None


def test_a_wrong_item_of_a_list_is_named_by_number() -> None:
    with pytest.raises(CredentialsError, match=r"f\[1\]: must be a mapping"):
        list(_fields({"f": [{}, "s3cr3t"]}).children("f"))


@pytest.mark.parametrize("raw", ["s3cr3t", ["s3cr3t"], 7])
def test_what_is_no_mapping_is_refused(raw: object) -> None:
    with pytest.raises(CredentialsError) as caught:
        _fields(raw)
    assert str(caught.value) == f"{WHERE}: must be a mapping of fields"


def test_names_must_be_strings() -> None:
    with pytest.raises(CredentialsError, match="a name must be a string"):
        list(_fields({True: "x"}).names())


def test_fields_do_not_show_what_they_hold() -> None:
    assert "s3cr3t" not in repr(_fields({"token": "s3cr3t"}))


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("", True),
        ("abc é", True),
        ("a\tb", True),
        ("a\nb", False),
        ("a\rb", False),
        ("\0", False),
        ("\x7f", False),
    ],
)
def test_header_text(text: str, allowed: bool) -> None:
    assert is_header_text(text) is allowed
