"""What is served comes back from JSON as it was, and from that of another version as far as it is known."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.discovery.objects import served_port
from userproxy.admin.served_form import served_from, served_json
from userproxy.discovery import Alias, Served
from userproxy.errors import AdminError
from userproxy.model.names import Protocol

SERVED = Served(
    (
        served_port("shop/db-0.db", 5432, port_name="sql"),
        served_port("shop/dns", 53, protocol=Protocol.UDP, address="fd00::1", at=20053, usable=False),
    ),
    (Alias("shop", "mail", "mail.example.com"),),
)


def document() -> Any:
    return orjson.loads(orjson.dumps(served_json(SERVED)))


def test_there_and_back() -> None:
    assert served_from(document()) == SERVED


def test_fields_that_are_unknown_are_left_out() -> None:
    newer = document()
    newer["more"] = 1
    newer["ports"][0]["weight"] = 7
    newer["aliases"][0]["ttl"] = 5
    assert served_from(newer) == SERVED


@pytest.mark.parametrize(
    "wrong", [None, [], {}, {"ports": [], "aliases": [{}]}, {"ports": [{"protocol": "SMTP"}], "aliases": []}]
)
def test_something_else_is_an_error_that_says_so(wrong: object) -> None:
    with pytest.raises(AdminError, match="unknown form"):
        served_from(wrong)
