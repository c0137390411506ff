"""Service ports as plain values, whatever is missing of objects or of counters."""

from __future__ import annotations

from dataclasses import replace

from tests.workers.test_codecs import PORT
from userproxy.admin.status_form import status_rows
from userproxy.dataplane.intake import ListenerState
from userproxy.explain import ExplainEndpoint, ExplainRow

NAME = PORT.key.name
ROW = ExplainRow(
    NAME.namespace, NAME.name, NAME.port_name, NAME.protocol, PORT.key.family, 80,
    listen_address="127.1.0.1", listen_port=80,
)  # fmt: skip


def endpoint(name: str, *, ready: bool = False, terminating: bool = False) -> ExplainEndpoint:
    return ExplainEndpoint(name, ready, True, terminating, False, None, "pod web-0")


def test_before_it_is_bound_a_service_port_is_starting() -> None:
    (told,) = status_rows([ROW], [])
    assert (told["state"], told["listen_address"], told["listen_port"]) == ("starting", "127.1.0.1", None)
    assert (told["accepted"], told["ends"], told["endpoints"]) == (0, {}, [])


def test_what_is_not_served_says_why() -> None:
    (told,) = status_rows([replace(ROW, ignored="SCTP")], [])
    assert (told["state"], told["reason"]) == ("ignored", "SCTP")


def test_a_service_that_is_gone_drains_beside_its_successor() -> None:
    old = replace(PORT, state=ListenerState.DRAINING, listen_port=8081)
    new, drains = status_rows([ROW], [PORT, old])
    assert (new["state"], new["listen_port"]) == ("holding", 8080)
    assert (drains["state"], drains["listen_port"], drains["open"]) == ("draining", 8081, 6)
    assert [one["state"] for one in drains["endpoints"]] == ["gone"]


def test_a_port_that_objects_do_not_tell_of_any_more_is_told_too() -> None:
    (told,) = status_rows([], [PORT])
    assert (told["service"], told["state"]) == (NAME.name, "holding")


def test_the_conditions_of_an_endpoint_in_one_word() -> None:
    said = (
        endpoint("10.0.0.1:80", ready=True),
        endpoint("10.0.0.2:80"),
        endpoint("10.0.0.3:80", terminating=True),
    )
    (told,) = status_rows([replace(ROW, endpoints=said)], [PORT])
    assert [(one["endpoint"], one["state"]) for one in told["endpoints"]] == [
        ("10.0.0.1:80", "ready"),
        ("10.0.0.2:80", "not ready"),
        ("10.0.0.3:80", "terminating"),
    ]
    counted = told["endpoints"][0]
    assert (counted["open"], counted["connections"], counted["dials"], counted["dial_ms"]) == (1, 2, 6, 500.0)
    assert (told["bytes_to_endpoint"], told["bytes_to_client"]) == (4, 5)


def test_an_endpoint_that_left_with_connections_is_gone() -> None:
    (told,) = status_rows([ROW], [PORT])
    (gone,) = told["endpoints"]
    assert (gone["endpoint"], gone["state"], gone["reason"]) == ("10.0.0.1:80", "gone", "left its Service")
