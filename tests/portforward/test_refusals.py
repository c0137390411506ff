"""Why there is no upgrade, in one line."""

from __future__ import annotations

import json

import pytest

from userproxy.model.names import NamespacedName
from userproxy.portforward.refusals import Refusal, refused

POD = NamespacedName("shop", "web-0")
SERVER = "https://c"


def status(code: int, reason: str, message: str, **details: str) -> bytes:
    return json.dumps(
        {"kind": "Status", "code": code, "reason": reason, "message": message, "details": details}
    ).encode()


GONE = status(404, "NotFound", 'pods "web-0" not found', kind="pods", name="web-0")
CANNOT_CREATE = status(403, "Forbidden", 'User "u" cannot create resource "pods/portforward"')


@pytest.mark.parametrize(
    ("refusals", "said"),
    [
        ([Refusal("GET", 404, GONE)], "pod shop/web-0 is gone"),
        ([Refusal("GET", 403, b""), Refusal("POST", 403, b"")], "needs the verb get and create on"),
        ([Refusal("GET", 403, CANNOT_CREATE)], "needs the verb create on pods/portforward"),
        ([Refusal("GET", 400, b"no"), Refusal("POST", 403, b"")], "needs the verb create on"),
        ([Refusal("GET", 401, b"")], "does not accept the credentials (HTTP 401)"),
        ([Refusal("GET", 400, b"a\nb"), Refusal("POST", 404, b"")], "(GET HTTP 400, POST HTTP 404): a b"),
    ],
)
def test_one_line_that_says_what_to_do(refusals: list[Refusal], said: str) -> None:
    text = str(refused(tuple(refusals), POD, SERVER))
    assert said in text
    assert "\n" not in text


def test_only_the_API_server_itself_can_say_that_a_pod_is_gone() -> None:
    assert Refusal("GET", 404, GONE).pod_is_gone
    assert not Refusal("GET", 404, b"<html>not found</html>").pod_is_gone
    assert not Refusal("GET", 404, status(404, "NotFound", "the server could not find it")).pod_is_gone
